"""NEST: ``gif_pop_psc_exp`` and ``gif_psc_exp``, connected as gifpop connects at either level."""

import nest

PARAMETERS = (
    "C_m",
    "E_L",
    "V_reset",
    "V_T_star",
    "Delta_V",
    "lambda_0",
    "t_ref",
    "I_e",
    "tau_syn_ex",
    "tau_syn_in",
)
NO_ADAPTATION = {"tau_sfa": [100.0], "q_sfa": [0.0]}  # NEST's population wants at least one term

nest.verbosity = nest.VerbosityLevel.ERROR


def build(net, dt, level, seed, threads=1):
    """Return NEST's ``Simulate``; there is one network at a time."""
    nest.ResetKernel()
    nest.resolution = dt
    nest.local_num_threads = threads
    nest.rng_seed = seed + 1
    if level == "meso":
        connect_populations(net, dt)
    else:
        connect_neurons(net)
    return nest.Simulate


def connect_populations(net, dt):
    populations = {}
    for name, p in net.populations.items():
        adaptation = adaptation_of(p.cell) if p.cell.tau_sfa else NO_ADAPTATION
        parameters = {"N": p.N, "tau_m": p.cell.tau_m, "V_m": p.cell.E_L, **shared(p.cell), **adaptation}
        populations[name] = nest.Create("gif_pop_psc_exp", params=parameters)
    for c in net.connections:
        density = c.rule.density(net.populations[c.pre].N, net.populations[c.post].N)
        nest.Connect(populations[c.pre], populations[c.post], syn_spec={"weight": c.weight * density, "delay": c.delay})
    meter = nest.Create("multimeter", params={"record_from": ["n_events", "mean"], "interval": dt})
    for population in populations.values():
        nest.Connect(meter, population)


def connect_neurons(net):
    populations = {}
    for name, p in net.populations.items():
        cell = p.cell
        parameters = {"g_L": cell.C_m / cell.tau_m, "V_m": cell.V_reset, **shared(cell), **adaptation_of(cell)}
        populations[name] = nest.Create("gif_psc_exp", p.N, params=parameters)
    for c in net.connections:
        n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
        rule = {"rule": "fixed_indegree", "indegree": round(c.rule.density(n_pre, n_post) * n_pre)}
        nest.Connect(populations[c.pre], populations[c.post], rule, {"weight": c.weight, "delay": c.delay})
    recorder = nest.Create("spike_recorder")
    for population in populations.values():
        nest.Connect(population, recorder)


def shared(cell):
    """Return the parameters that both of NEST's models have."""
    return {name: getattr(cell, name) for name in PARAMETERS}


def adaptation_of(cell):
    """Return the terms of the threshold kernel."""
    return {"tau_sfa": list(cell.tau_sfa), "q_sfa": list(cell.q_sfa)}

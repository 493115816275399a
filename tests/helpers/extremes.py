"""Random networks with extreme parameters, from the public face, `set` and gifpop.nest; run by `test_sanitizers`.

``python extremes.py FIRST LAST`` runs the cases of these numbers. What is refused is refused by one of gifpop's errors;
what is recorded is finite. Whether memory stays intact is for sanitizers to see.
"""

import sys
import warnings

import numpy as np

import gifpop as gp
from gifpop import nest

STEPS = 60
REFUSED = (ValueError, gp.SimulationError, MemoryError, nest.NESTErrors.KernelException)
EXPONENTS = (-320, -300, -101, -51, -40, -10, -4, 4, 10, 40, 49, 51, 99, 101, 300, 308)
USUAL = {
    "C_m": (1.0, 1e3),
    "tau_m": (0.1, 100.0),
    "E_L": (-80.0, 20.0),
    "V_reset": (-80.0, 20.0),
    "V_T_star": (-60.0, 40.0),
    "Delta_V": (0.01, 20.0),
    "lambda_0": (0.0, 1e3),
    "t_ref": (0.0, 20.0),
    "I_e": (-1e3, 1e5),
    "tau_syn_ex": (0.1, 50.0),
    "tau_syn_in": (0.1, 50.0),
}
POSITIVE = ("C_m", "tau_m", "Delta_V", "lambda_0", "t_ref", "tau_syn_ex", "tau_syn_in")


class Dice:
    """Random choices of one case."""

    def __init__(self, seed):
        self.random = np.random.default_rng([2, seed])
        self.share = self.random.choice([0.0, 0.1, 0.4])  # of the values that are extreme

    def extreme(self, positive=True):
        value = float(self.random.choice([1.0, 1.7, 9.9])) * 10.0 ** int(self.random.choice(EXPONENTS))
        value = min(value, sys.float_info.max)
        return value if positive or self.random.random() < 0.5 else -value

    def value(self, low, high, positive=False):
        return self.extreme(positive) if self.random.random() < self.share else float(self.random.uniform(low, high))

    def pick(self, *values):
        return values[self.random.integers(len(values))]

    def cell(self, names=USUAL):
        return {name: self.value(*USUAL[name], name in POSITIVE) for name in names}

    def adaptation(self, n):
        tau = [self.value(1.0, 1000.0, True) for _ in range(n)]
        return tau, [self.value(-5.0, 40.0) for _ in range(n)]


def own_face(dice):
    level, n = dice.pick("meso", "meso", "micro"), int(dice.random.integers(0, 3))
    cell = dice.cell()
    cell["tau_sfa"], cell["q_sfa"] = dice.adaptation(n)
    if dice.random.random() < 0.3:
        cell["tau_stc"], cell["q_stc"] = dice.adaptation(1)
    if level == "micro" and dice.random.random() < 0.3:
        cell["V_T_star"] = gp.Normal(cell["V_T_star"], abs(dice.value(0.0, 5.0)))
    N, dt = int(10.0 ** dice.random.uniform(0.0, 2.5 if level == "micro" else 15.0)), dice.pick(0.1, 0.5, 3.0)
    net = gp.Network()
    kernel = dice.pick(-1, 250) if level == "meso" else -1
    net.population("P", N, gp.GIF(**cell), len_kernel=kernel, BinoRand=dice.pick(True, False))
    weight = dice.value(-1e3, 1e3)
    net.connect("P", "P", weight=weight, delay=int(dice.random.integers(1, 9)) * dt, p=dice.pick(0.1, 0.5, 1.0))
    if dice.random.random() < 0.5:
        net.inject("P", gp.StepCurrent([2 * dt, 9 * dt], [dice.value(-1e4, 1e4), dice.value(-1e4, 1e4)]))
    if dice.random.random() < 0.5:
        shared = dice.pick(True, False)
        net.inject("P", gp.PoissonSpikes(abs(dice.value(0.0, 1e4)), dice.value(-100.0, 100.0), shared=shared))
    if dice.random.random() < 0.3:
        std, tau = abs(dice.value(0.0, 1e4)), abs(dice.value(0.0, 100.0)) + 1e-3
        net.inject("P", gp.OUCurrent(dice.value(-1e4, 1e4), std, tau, shared=dice.pick(True, False)))
    if dice.random.random() < 0.3:
        net.inject("P", gp.NoiseCurrent(0.0, abs(dice.value(0.0, 1e4)), dice.pick(None, 4 * dt)))
    options = {
        "dt": dt,
        "level": level,
        "seed": 1,
        "record": "all",
        "progress": False,
        "history": dice.pick("adaptive", "exact"),
        "adaptation": dice.pick("carried", "carried", "quasi-renewal"),
        "wiring": dice.pick("dense", "sparse"),
        "initial": dice.pick("fired", "rest"),
        "threads": dice.pick(1, 2),
    }
    sim = gp.Simulation(net, **options)
    check(sim.run(STEPS * dt))
    name = dice.pick(*USUAL, "N")
    sim.set("P", **{name: max(1, N // 3) if name == "N" else dice.value(*USUAL[name], name in POSITIVE)})
    check(sim.run(STEPS * dt))


def face_of_nest(dice):
    nest.ResetKernel()
    nest.resolution, nest.gifpop_history = dice.pick(0.1, 0.5), dice.pick("adaptive", "exact")
    nest.SetDefaults("gif_pop_psc_exp", {"len_kernel": -1})
    tau, q = dice.adaptation(int(dice.random.integers(0, 3)))
    params = dice.cell() | {"tau_sfa": tau, "q_sfa": q, "N": int(10.0 ** dice.random.uniform(0.0, 15.0))}
    population = nest.Create("gif_pop_psc_exp", params=params)
    tau, q = dice.adaptation(1)
    params = dice.cell([name for name in USUAL if name not in ("tau_m",)]) | {"tau_stc": tau, "q_stc": q}
    neurons = nest.Create("gif_psc_exp", 100, params=params | {"g_L": dice.value(1.0, 20.0, True)})
    noise = nest.Create("poisson_generator", params={"rate": abs(dice.value(0.0, 1e4))})
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "E_sfa"], "interval": nest.resolution})
    delay = nest.resolution * int(dice.random.integers(1, 9))
    for source, target in ((population, population), (population, neurons), (neurons, neurons), (noise, neurons)):
        nest.Connect(source, target, syn_spec={"weight": dice.value(-100.0, 100.0), "delay": delay})
    parrots = nest.Create("parrot_neuron", 100)
    for source, target in ((noise, parrots), (population, parrots), (parrots, neurons), (neurons, population)):
        synapse = {"weight": dice.value(-100.0, 100.0), "delay": delay}
        if source is not noise:
            synapse |= {"synapse_model": "bernoulli_synapse", "p_transmit": dice.pick(0.0, 1e-300, 0.3, 1.0)}
        nest.Connect(source, target, syn_spec=synapse)
    nest.Connect(meter, population)
    nest.Simulate(STEPS * nest.resolution)
    name = dice.pick(*USUAL)
    population.set({name: dice.value(*USUAL[name], name in POSITIVE)})
    nest.Simulate(STEPS * nest.resolution)
    events = meter.get("events")
    assert np.all(np.isfinite(events["V_m"])) and np.all(np.isfinite(events["E_sfa"]))


def trains_of_nest(dice):
    """Run generators of trains, whose numbers of processes and stages differ between connections."""
    nest.ResetKernel()
    nest.resolution = dice.pick(0.1, 0.5)
    n_proc, rate = int(10.0 ** dice.random.uniform(0.0, 15.0)), abs(dice.value(0.0, 1e4))
    few = int(10.0 ** dice.random.uniform(0.0, 3.0))
    sine = {"frequency": dice.value(0.0, 1e3)}
    model, params, later = dice.pick(
        ("gamma_sup_generator", {"rate": rate, "n_proc": n_proc, "gamma_shape": few}, {"gamma_shape": few // 2 + 1}),
        (
            "ppd_sup_generator",
            {"rate": rate, "n_proc": n_proc, "dead_time": dice.value(0.0, 500.0 / max(rate, 1e-3), True)} | sine,
            {"dead_time": 0.0, "relative_amplitude": 1.0},
        ),
        ("mip_generator", {"rate": rate, "p_copy": float(dice.random.random())}, {"rate": abs(dice.value(0.0, 1e4))}),
        (
            "sinusoidal_gamma_generator",
            {"rate": rate, "amplitude": rate / 2, "order": 1.0 + abs(dice.value(0.0, 10.0)), "phase": 30.0} | sine,
            {"order": 1.0},
        ),
        (
            "pulsepacket_generator",
            {"pulse_times": [dice.value(0.0, 30.0)] * 3, "activity": few, "sdev": abs(dice.value(0.0, 30.0))},
            {"activity": 2 * few},
        ),
    )
    generator, neurons = nest.Create(model, params=params), nest.Create("gif_psc_exp", 5)
    recorder = nest.Create("multimeter", params={"record_from": ["V_m", "I_syn_ex"], "interval": nest.resolution})
    nest.Connect(recorder, neurons)
    nest.Connect(generator, neurons)
    for values in ({}, later):
        generator.set(values)
        nest.Connect(generator, nest.Create("gif_psc_exp", 2))
        nest.Simulate(STEPS * nest.resolution)
    events = recorder.get("events")
    assert np.all(np.isfinite(events["V_m"])) and np.all(np.isfinite(events["I_syn_ex"]))


def check(result):
    for population in result:
        assert np.all((population.counts >= 0) & (population.counts <= population.N))
        for name in population.recorded:
            assert np.all(np.isfinite(getattr(population, name))), name


def run(number):
    """Run one case; return whether nothing of it was refused."""
    dice = Dice(number)
    try:
        (trains_of_nest if number % 8 == 7 else face_of_nest if number % 4 == 3 else own_face)(dice)
    except REFUSED as error:
        if getattr(error, "result", None) is not None:
            check(error.result)
        return False
    return True


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    taken = 0
    first, last = map(int, sys.argv[1:])
    for number in range(first, last):
        print("case", number, file=sys.stderr, flush=True)
        taken += run(number)
    print(taken)

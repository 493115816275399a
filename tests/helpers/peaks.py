"""Runs of many kinds, each to be run by itself: ``python peaks.py KIND`` prints what was estimated and what was taken.

Of each estimate, what it says of the peak: the memory in use when it is made, and what it says is needed besides. Both
are differences from the memory in use before, in bytes.
"""

import contextlib
import json
import os
import sys
import tempfile

import numpy as np

import gifpop as gp
from gifpop.common import memory

KINDS = {}
SMALL = 2e7  # bytes, which need not be foretold


def kind(function):
    KINDS[function.__name__] = function
    return function


def single(N, cell=None, **options):
    net = gp.Network()
    net.population("P", N, cell or gp.GIF(I_e=300.0), **options)
    return net


def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@contextlib.contextmanager
def measured():
    """Yield a dict into which come the peak, what was foretold of it, and by how much a peak exceeded that, relatively.

    The latter until each of the estimates: what was foretold until then must hold for what is taken until the next one.
    """
    require, found, before = memory.require, {}, status("VmRSS")
    peaks, foretold, excesses = [], [SMALL], []

    def look():
        peaks.append(status("VmHWM") - before)
        excesses.append(peaks[-1] / max(foretold))
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak is that from now on

    def note(needs, what):
        look()
        foretold.append(status("VmRSS") - before + (sum(needs.values()) if isinstance(needs, dict) else needs))
        if "-v" in sys.argv:
            print(what, needs, f"{(status('VmRSS') - before) / 1e6:.0f} MB in use", file=sys.stderr)
        require(needs, what)

    look()
    peaks.clear(), excesses.clear()
    memory.require = note
    yield found
    memory.require = require
    look()
    found |= {"peak": max(peaks), "foretold": max(foretold), "excess": max(excesses)}
    found["left"] = status("VmRSS") - before


# -- populations ------------------------------------------------------------------------------------------------------


@kind
def exact_history():
    single(1000, len_kernel=400_000).simulate(10.0, dt=0.1, history="exact")


@kind
def adaptive_history_of_slow_membranes():
    single(1000, gp.GIF(tau_m=2000.0)).simulate(1.0, dt=0.001)


@kind
def adaptive_history_of_slow_adaptation():
    single(1000, gp.GIF(tau_sfa=(2000.0,), q_sfa=(5.0,))).simulate(1.0, dt=0.001)


@kind
def sparse_wiring():
    net = single(1000, gp.GIF(tau_sfa=(100.0,), q_sfa=(5.0,)), len_kernel=100_000)
    net.connect("P", "P", weight=1.0, delay=1.0, rule=gp.FixedIndegree(100))
    net.simulate(5.0, dt=0.1, history="exact", wiring="sparse")


# -- neurons ----------------------------------------------------------------------------------------------------------


@kind
def neurons():
    single(300_000, gp.GIF(tau_sfa=(100.0,), q_sfa=(5.0,))).simulate(20.0, dt=0.5, level="micro")


@kind
def neurons_that_differ():
    cell = gp.GIF(tau_m=gp.Uniform(10.0, 30.0), E_L=gp.Uniform(0.0, 5.0), I_e=300.0)
    single(300_000, cell).simulate(20.0, dt=0.5, level="micro", initial="rest")


@kind
def records_of_all_variables():
    net = single(300_000)
    net.simulate(10.0, dt=0.5, level="micro", record=["V_m", "E_sfa", "I_stc", "I_syn_ex", "I_syn_in"])


@kind
def records_of_few_steps():
    net = single(300_000)
    net.simulate(50.0, dt=0.5, level="micro", record=["V_m", "E_sfa", "I_syn_ex"], record_interval=5.0)


@kind
def records_of_long_runs():
    single(1000).simulate(1e6, dt=0.5, record=["V_m", "E_sfa", "I_syn_ex"])


@kind
def spikes():
    single(50_000, gp.GIF(I_e=2000.0)).simulate(1000.0, dt=0.5, level="micro", seed=1)


@kind
def stored_connections():
    net = single(10_000)
    net.connect("P", "P", weight=1.0, delay=1.0, rule=gp.FixedIndegree(1000))
    net.connect("P", "P", weight=gp.Normal(1.0, 0.1), delay=gp.Uniform(1.0, 5.0), rule=gp.FixedIndegree(300))
    net.simulate(20.0, dt=0.5, level="micro")


@kind
def long_delays():
    net = single(10_000)
    net.connect("P", "P", weight=1.0, delay=1500.0, rule=gp.FixedIndegree(10))
    net.simulate(2000.0, dt=0.5, level="micro")


@kind
def inputs_of_their_own():
    net = single(10_000)
    net.connect("P", "P", weight=1.0, delay=1.0, rule=gp.FixedIndegree(10))
    net.inject("P", gp.PoissonSpikes(rate=1000.0, weight=1.0, shared=False), delay=200.0)
    net.simulate(500.0, dt=0.5, level="micro")


@kind
def private_currents():
    net = single(200_000)
    for tau in (5.0, 10.0, 20.0, 30.0):
        net.inject("P", gp.OUCurrent(0.0, 10.0, tau), delay=2.0)
    net.simulate(30.0, dt=0.5, level="micro")


@kind
def stationary_state():
    net = single(400_000, gp.GIF(I_e=300.0, tau_sfa=(100.0,), q_sfa=(5.0,)))
    net.simulate(20.0, dt=0.5, level="micro", initial="stationary")


# -- more than one run ------------------------------------------------------------------------------------------------


@kind
def trials_in_threads():
    single(150_000).simulate(20.0, dt=0.5, level="micro", trials=4, threads=2)


@kind
def trials_that_are_kept():
    single(1000).simulate(20_000.0, dt=0.5, trials=100, record=["V_m"])


@kind
def joined_results():
    sim = gp.Simulation(single(1000), dt=0.5, record=["V_m", "E_sfa"])
    for _ in range(4):
        sim.run(2e5)
    sim.result()


@kind
def saved_results():
    sim = gp.Simulation(single(1000), dt=0.5, record=["V_m", "E_sfa"])
    for _ in range(4):
        sim.run(2e5)
    with tempfile.TemporaryDirectory() as folder:
        sim.save(os.path.join(folder, "saved.npz"))


# -- the face of NEST -------------------------------------------------------------------------------------------------


@kind
def nest_meters():
    from gifpop import nest

    neurons = nest.Create("gif_psc_exp", 20_000)
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "E_sfa"], "interval": 1.0})
    nest.Connect(meter, neurons)
    nest.Simulate(100.0)
    meter.events  # noqa: B018


@kind
def nest_connections():
    from gifpop import nest

    neurons = nest.Create("gif_psc_exp", 20_000)
    nest.Connect(neurons, neurons, {"rule": "fixed_indegree", "indegree": 1500}, {"weight": 0.1, "delay": 1.5})
    nest.Simulate(10.0)


@kind
def nest_spikes():
    from gifpop import nest

    neurons = nest.Create("gif_psc_exp", 50_000, {"I_e": 2000.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    nest.Simulate(500.0)
    recorder.events  # noqa: B018


def warm_up():
    """Let everything be imported and begun that is not of the run itself."""
    net = single(100, gp.GIF(tau_sfa=(100.0,), q_sfa=(5.0,)))
    net.connect("P", "P", weight=1.0, delay=1.0)
    net.simulate(5.0, dt=0.5, level="micro", initial="stationary", trials=2, threads=2)
    with tempfile.TemporaryDirectory() as folder:
        gp.Simulation(net, dt=0.5).save(os.path.join(folder, "saved.npz"))
    from gifpop import nest

    nest.Simulate(1.0)
    nest.ResetKernel()
    np.random.default_rng(1).random(10)


if __name__ == "__main__":
    warm_up()
    with measured() as found:
        KINDS[sys.argv[1]]()
    print(json.dumps(found))

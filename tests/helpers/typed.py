"""What users write, for a type checker (`test_types`): accepted, but for the mistakes at the end."""

import numpy as np
import numpy.typing as npt

import gifpop as gp
import gifpop.nest as nest

cell = gp.GIF(tau_m=np.full(100, 20.0), V_T_star=gp.Normal(15.0, 1.0), tau_sfa=[100.0, 1000.0], q_sfa=(10.0, 1.0))
tau: float = cell.tau_m
first, *_ = cell.tau_sfa

slow = gp.GIF(tau_syn={"ampa": 2, "nmda": gp.Normal(100.0, 5.0)}, I_syn={"nmda": np.float32(3.0)})
tau_nmda: float = slow.tau_syn["nmda"]

net = gp.Network()
E = net.population("E", np.int64(100), cell)
I = net.population("I", 25, gp.GIF(I_e=np.float32(300.0)))
for post in (E, "I"):
    net.connect(E, post, weight=np.float32(25.0), p=0.2)
    net.connect("I", post, weight=gp.Normal(-62.5, 1.0), delay=1.0, rule=gp.FixedIndegree(5))
net.population("S", 10, slow)
net.connect(E, "S", weight=2.0, receptor="nmda")
net.inject("S", gp.SpikeTimes([1.0], weight=2.0), receptor="ampa")
step = net.inject(E, gp.StepCurrent(times=np.array([100.0]), values=[50.0]))

result: gp.Result = net.simulate(100.0, dt=0.5, level={"E": "micro", "I": "meso"}, seed=np.int64(1))
activity: npt.NDArray[np.float64] = result.activity
times, neurons = result["E"].spikes
every: gp.Result = net.simulate(np.int64(100), trials=np.int64(3), seed=[1, 2])
means: gp.TrialStatistics = net.simulate(100.0, trials=range(3), keep="mean", warmup=10)
peaks: npt.NDArray[np.float64] = net.simulate(100.0, trials=3, keep=lambda trial: trial.activity.max(axis=0))

sim = gp.Simulation(net, dt=0.5, level={E: "micro", I: "meso"}, record={E: ["V_m"]}, seed=np.array([1, 2]))
try:
    sim.run(100)
except gp.SimulationInterrupted as stopped:
    print(stopped.result.activity)
sim.set((E, "I"), weight=30.0)
sim.remove(sim.inject("I", gp.PoissonSpikes(rate=100.0, weight=2.0)))
for variable in ("V_m", "E_sfa"):
    gp.plot.traces(sim.result(), variable)
gp.plot.activity(result).set_title("activity")
comparison: gp.Comparison = gp.compare(net, 100.0, trials=4)

nest.resolution = 0.5
pop = nest.Create("gif_pop_psc_exp", 2, params={"N": [100, 200]})
nest.Connect(pop, pop, "one_to_one", {"weight": nest.random.normal(1.0, 0.1)})
nest.Simulate(nest.resolution * 100)

net.simulate(100.0, levle="micro")  # type: ignore[call-overload]
net.simulate(100.0, level="mezo")  # type: ignore[call-overload]
gp.GIF(tau_M=10.0)  # type: ignore[call-arg]
gp.GIF(tau_m="10 ms")  # type: ignore[arg-type]
nest.resolutoin = 0.1  # type: ignore[attr-defined]
nest.Create(3)  # type: ignore[arg-type]

"""
Population rate model of generalized integrate-and-fire neurons
===============================================================

A Brunel network of one excitatory and one inhibitory population of adapting neurons, at two levels: one stochastic
equation per population (Schwalger, Deger & Gerstner 2017, PLoS Comput Biol 13(4):e1005507), and neuron by neuron. At
1500 ms the drive of all neurons steps up by 20 mV.

``python plot_gif_pop_psc_exp.py`` shows the figure, ``python plot_gif_pop_psc_exp.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt

import gifpop as gp

N = {"E": 800, "I": 200}
cell = gp.GIF(
    C_m=250.0,
    tau_m=20.0,
    E_L=0.0,
    V_reset=0.0,
    V_T_star=15.0,
    Delta_V=2.5,
    lambda_0=10.0,
    t_ref=4.0,
    I_e=24.0 * 250.0 / 20.0,  # 24 mV
    tau_syn_ex=3.0,
    tau_syn_in=6.0,
    tau_sfa=[100.0, 1000.0],
    q_sfa=[10.0, 1.0],
)

# %%
# One description serves both levels. The charge of a spike moves the potential by 0.3 mV or -1.5 mV; each neuron has
# 160 excitatory and 40 inhibitory inputs.

net = gp.Network()
for name in N:
    net.population(name, N[name], cell)
    net.inject(name, gp.StepCurrent(times=[1500.0], values=[20.0 * cell.C_m / cell.tau_m]))
for post in N:
    net.connect("E", post, weight=0.3 * cell.C_m / cell.tau_syn_ex, p=0.2, delay=1.0)
    net.connect("I", post, weight=-1.5 * cell.C_m / cell.tau_syn_in, p=0.2, delay=1.0)

meso = net.simulate(2000.0, dt=0.5, level="meso", seed=1)
micro = net.simulate(2000.0, dt=0.5, level="micro", seed=1, record={"E": "V_m"}, record_neurons=5)

# %%
# Plot activities and expected activities of the mesoscopic level, activities of the neurons, and potentials of five
# neurons.

figure = plt.figure(figsize=(9.0, 9.0), layout="constrained")
left, right = figure.subfigures(1, 2)
upper, lower = left.subfigures(2, 1, height_ratios=(2, 1))
meso.plot(figure=upper)
micro.plot(figure=lower)
traces = right.subplots(5, 1, sharex=True, sharey=True)
for axes, V in zip(traces, micro["E"].V_m.T, strict=True):
    axes.plot(micro["E"].t_record, V, lw=0.8)
traces[0].set_title("5 example GIF neurons (microscopic level)")
traces[2].set_ylabel("membrane potential [mV]")
traces[-1].set_xlabel("time [ms]")

for result in (meso, micro):
    rates = ", ".join(f"{p.name} {p.activity[1000:3000].mean():.2f}" for p in result)
    print(f"{result.level}: mean rates before the step, spikes/s: {rates}")
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()

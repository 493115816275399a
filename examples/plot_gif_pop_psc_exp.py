"""
Population rate model of generalized integrate-and-fire neurons
===============================================================

A Brunel network of one excitatory and one inhibitory population of adapting neurons, simulated at the mesoscopic level:
one stochastic equation per population (Schwalger, Deger & Gerstner 2017, PLoS Comput Biol 13(4):e1005507). At 1500 ms
the drive of all neurons steps up by 20 mV.

Run it as ``python plot_gif_pop_psc_exp.py [figure.png]``.
"""

import sys

import numpy as np

import gifpop as gp

size = 200
N = {"E": 4 * size, "I": size}
cell = gp.GIF(
    C_m=250.0, tau_m=20.0, E_L=0.0, V_reset=0.0, V_T_star=15.0, Delta_V=2.5, lambda_0=10.0, t_ref=4.0,
    I_e=24.0 * 250.0 / 20.0,  # 24 mV
    tau_syn_ex=3.0, tau_syn_in=6.0,
    tau_sfa=[100.0, 1000.0], q_sfa=[10.0, 1.0],
)  # fmt: skip

# %%
# One description. Weights are 0.3 mV and -1.5 mV as charges on the membrane, for 160 and 40 inputs per neuron.

net = gp.Network()
for name in N:
    net.population(name, N[name], cell)
    net.inject(name, gp.StepCurrent(times=[1500.0], values=[20.0 * cell.C_m / cell.tau_m]))
for post in N:
    net.connect("E", post, weight=0.3 * cell.C_m / cell.tau_syn_ex * 200 / size, p=0.2, delay=1.0)
    net.connect("I", post, weight=-1.5 * cell.C_m / cell.tau_syn_in * 200 / size, p=0.2, delay=1.0)

# %%
# Activities and expected activities of both populations.

result = net.simulate(2000.0, dt=0.5, level="meso", seed=1)
before, after = (result.activity[np.searchsorted(result.t, t) :][:1000].mean(axis=0) for t in (1000.0, 1500.0))
print("mean rates before and after the step, spikes/s:")
for name, r0, r1 in zip(result.names, before, after, strict=True):
    print(f"  {name}  {r0:.2f}  {r1:.2f}")

figure = result.plot()
path = sys.argv[1] if len(sys.argv) > 1 else "gif_pop_psc_exp.png"
figure.savefig(path, dpi=150)
print("figure:", path)

"""
Both levels of one network, with confidence intervals
=====================================================

`gifpop.compare` runs a network many times at both levels, and compares mean rates, variances of the activity, power
spectra and the response to a step. Here mean rates differ by 1.2 %, and after the step the populations oscillate a
little more than the neurons, because each neuron receives its own sample of the spikes. The option ``wiring="sparse"``
takes this into account.

``python plot_compare_levels.py`` shows the figure, ``python plot_compare_levels.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt

import gifpop as gp

cell = gp.GIF(
    C_m=250.0,
    tau_m=20.0,
    Delta_V=2.5,
    I_e=300.0,
    tau_syn_ex=3.0,
    tau_syn_in=6.0,
    tau_sfa=[100.0, 1000.0],
    q_sfa=[10.0, 1.0],
)

net = gp.Network()
for name, N in (("E", 800), ("I", 200)):
    net.population(name, N, cell)
    net.inject(name, gp.StepCurrent(times=[1500.0], values=[250.0]))
for post in ("E", "I"):
    net.connect("E", post, weight=25.0, p=0.2)
    net.connect("I", post, weight=-62.5, p=0.2)

comparison = gp.compare(net, 2000.0, dt=0.5, trials=40, seed=1, warmup=500.0)
print(comparison.table())

figure = comparison.plot()
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
plt.show()

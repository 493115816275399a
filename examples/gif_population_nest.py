"""
A script for NEST: a population of adapting neurons
===================================================

A hundred neurons of the model ``gif_psc_exp``, with adaptation of threshold and current fitted to cortical neurons, are
driven by fifty Poisson processes and excite each other through random connections. It is a script for NEST with one
line changed, the import of nest. Bursts of the whole population become less frequent as the neurons adapt.

``python gif_population_nest.py`` shows the figure, ``python gif_population_nest.py figure.png`` writes it.
"""

import sys

import matplotlib.pyplot as plt

import gifpop.nest as nest

nest.ResetKernel()
nest.resolution = 0.1  # ms
simulation_time = 2000.0  # ms

# %%
# The GIF model of a pyramidal cell has two time constants of threshold adaptation and two of spike-triggered currents.

neuron_parameters = {
    "C_m": 83.1,  # pF
    "g_L": 3.7,  # nS
    "E_L": -67.0,  # mV
    "Delta_V": 1.4,
    "V_T_star": -39.6,
    "t_ref": 4.0,  # ms
    "V_reset": -36.7,
    "lambda_0": 1.0,  # 1/s
    "tau_syn_ex": 10.0,
    "q_stc": [56.7, -6.9],  # pA
    "tau_stc": [57.8, 218.2],
    "q_sfa": [11.7, 1.8],  # mV
    "tau_sfa": [53.8, 640.0],
}

neurons = nest.Create("gif_psc_exp", 100, neuron_parameters)
noise = nest.Create("poisson_generator", 50, {"rate": 10.0})  # spikes/s each
spike_recorder = nest.Create("spike_recorder")

# %%
# Each pair of neurons is connected with probability 0.3; every neuron receives its own spikes of each noise process.

nest.Connect(neurons, neurons, {"rule": "pairwise_bernoulli", "p": 0.3}, {"weight": 30.0})
nest.Connect(noise, neurons, "all_to_all", {"weight": 20.0})
nest.Connect(neurons, spike_recorder)

nest.Simulate(simulation_time)

# %%
# Plot all spikes, and the rate of the population below.

nest.raster_plot.from_device(spike_recorder, hist=True, hist_binwidth=10.0, title="A population of GIF neurons")
if len(sys.argv) > 1:
    plt.savefig(sys.argv[1])
plt.show()

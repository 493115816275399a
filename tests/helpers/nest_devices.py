"""Populations, devices and what they recorded, in few words: for tests of gifpop.nest to the time step."""

import numpy as np

import gifpop.nest as nest

H = 0.5
FAST = {"tau_m": 0.001, "C_m": 0.001}  # V_m is the current, in numbers
SHORT = {"tau_syn_ex": 0.01, "tau_syn_in": 0.01}  # I_syn / 0.02 is the weight that arrived in the step


def silent(**parameters):
    return nest.Create("gif_pop_psc_exp", params={"lambda_0": 0.0, "tau_sfa": [100.0], "q_sfa": [0.0]} | parameters)


def firing(N=1, every=2):
    """Create a population in which all neurons fire together, every ``every`` steps."""
    return nest.Create(
        "gif_pop_psc_exp",
        params={"lambda_0": 1e9, "N": N, "t_ref": (every - 1) * H, "tau_sfa": [10.0], "q_sfa": [0.0], "len_kernel": 30},
    )


def meter(target, *variables, delay=H, **parameters):
    device = nest.Create("multimeter", params={"record_from": list(variables or ["V_m"]), "interval": H} | parameters)
    nest.Connect(device, target, syn_spec={"delay": delay})
    return device


def recorder(*senders, **parameters):
    device = nest.Create("spike_recorder", params=parameters)
    for sender in senders:
        nest.Connect(sender, device, syn_spec={"delay": H})
    return device


def spikes(times, target, delay=H, weight=1.0, **parameters):
    generator = nest.Create("spike_generator", params={"spike_times": times} | parameters)
    nest.Connect(generator, target, syn_spec={"delay": delay, "weight": weight})
    return generator


def arrivals(device, name="I_syn_ex"):
    """Return (stamp, weight) of all that arrived at a population with SHORT synapses."""
    weights = np.round(device.get("events", name) / 0.02, 6).tolist()
    return [(t, w) for t, w in zip(device.get("events", "times").tolist(), weights, strict=True) if w]


def course(device):
    """Return (stamp, value) wherever the recorded V_m changes."""
    times, values = device.get("events", "times").tolist(), np.round(device.get("events", "V_m"), 6).tolist()
    return [(times[k], v) for k, v in enumerate(values) if k == 0 or v != values[k - 1]]


def order(device):
    return list(zip(device.get("events", "times").tolist(), device.get("events", "senders").tolist(), strict=True))

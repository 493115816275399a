"""Mesoscopic populations that several tests replay: cells, layouts of histories, the plain twin."""

from dataclasses import replace

import numpy as np

import gifpop as gp
from tests.helpers import reference
from tests.helpers.state import plans_of

VARIABLES = ("mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")
CELL = gp.GIF(tau_sfa=[], q_sfa=[], tau_m=5.0, t_ref=2.0, E_L=1.0, V_reset=2.0, V_T_star=10.0, I_e=700.0)
RENEWING = {
    "no adaptation": CELL,
    "one time constant": replace(CELL, tau_sfa=[40.0], q_sfa=[2.0]),
    "two": replace(CELL, tau_sfa=[10.0, 40.0], q_sfa=[4.0, 2.0]),
    "four": replace(CELL, tau_sfa=[2.0, 5.0, 20.0, 50.0], q_sfa=[9.0, -1.0, 1.0, 0.5]),
    "facilitation": replace(CELL, I_e=300.0, tau_sfa=[10.0, 30.0], q_sfa=[3.0, -1.0]),
    "steep": replace(CELL, Delta_V=0.1, tau_sfa=[20.0], q_sfa=[5.0]),
}
FASTER = replace(CELL, I_e=900.0, Delta_V=1.5)
CARRYING = {
    "no adaptation": FASTER,
    "one time constant": replace(FASTER, tau_sfa=[40.0], q_sfa=[4.0]),
    "two": replace(FASTER, tau_sfa=[10.0, 40.0], q_sfa=[4.0, 2.0]),
    "five": replace(FASTER, tau_sfa=[2.0, 5.0, 20.0, 50.0, 80.0], q_sfa=[9.0, -1.0, 1.0, 0.5, 0.2]),
    "facilitation": replace(FASTER, I_e=700.0, tau_sfa=[10.0, 30.0], q_sfa=[3.0, -1.0]),
    "steep": replace(FASTER, Delta_V=0.1, tau_sfa=[20.0], q_sfa=[1.0]),
    "a current": replace(FASTER, tau_stc=[30.0], q_stc=[150.0]),
    "a fast current": replace(FASTER, tau_stc=[2.0], q_stc=[900.0], t_ref=0.0),
    "threshold and currents": replace(FASTER, tau_sfa=[25.0], q_sfa=[2.0], tau_stc=[30.0, 8.0], q_stc=[100.0, -80.0]),
}


def parameters_of(cell, N, len_kernel=-1):
    """Return the parameters of a population that starts at E_L, for the plain twin."""
    names = [*reference.DEFAULTS, "tau_stc", "q_stc"]
    p = {name: getattr(cell, name) for name in names if getattr(cell, name, None) is not None}
    p |= {f"tau_syn_{name}": tau for name, tau in zip(cell.receptors, cell.synaptic_times, strict=True)}
    return p | {"N": N, "V_m": cell.E_L, "len_kernel": len_kernel, "receptors": cell.receptors[2:]}


def layouts(net, dt, **options):
    """Return what the twin needs to know about the adaptive histories of a network."""
    plans = plans_of(gp.Simulation(net, dt=dt, history="adaptive", **options))
    return [{"window": plan.K, "widest": plan.cells.widest, "every": plan.cells.every} for plan in plans]


def replay_alone(parameters, dt, counts, layout=None, **options):
    """Return what the plain twin expects of one unconnected population with given counts and history."""
    return reference.replay(
        [parameters],
        dt,
        counts[np.newaxis],
        [[0.0]],
        [[1]],
        initial_potential=parameters["V_reset"],
        adaptive=layout and [layout],
        **options,
    )

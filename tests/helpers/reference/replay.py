"""Coupled populations under given spike counts."""

import numpy as np

from tests.helpers.reference.carried import CarriedPopulation
from tests.helpers.reference.population import AdaptivePopulation, MesoPopulation


def capacities(i, parameters, weights, variances):
    """Return the variance that each receptor of population i would receive if all neurons fired once."""
    capacity = {"ex": 0.0, "in": 0.0}
    for j, p in enumerate(parameters):
        capacity["ex" if weights[i][j] > 0 else "in"] += variances[i][j] * p["N"]
    return capacity


def replay(
    parameters,
    h,
    counts,
    weights,
    delays,
    currents=None,
    nest_index_error=False,
    initial_potential=0.0,
    adaptive=None,
    carried=False,
    variances=None,
    smooth=False,
):
    """Advance coupled populations under given spike counts.

    Parameters
    ----------
    parameters : list of dict, one per population
    h : float, ms
    counts : int array, shape (populations, steps)
    weights : weights[i][j] from population j to i, pA
    delays : delays[i][j] in steps
    currents : float array, shape (populations, steps), pA, or None
        External current that acts in each step.
    nest_index_error : bool
    initial_potential : float or list of float, mV
    adaptive : list of dict, one per population, or None
        ``window``, ``widest`` and ``every`` of adaptive histories (see `AdaptivePopulation`).
    carried : bool
        Cohorts carry the adaptation of their members (see `CarriedPopulation`).
    variances : variances[i][j] from population j to i, pA^2, or None
        Variance, for each spike, of what it brings to single neurons; of the sign of the weight.
    smooth : bool
        Expected counts are smooth functions of the parameters.

    Returns
    -------
    dict of float array, shape (populations, steps)
        ``mean``, ``V_m``, ``E_sfa``, ``I_syn_ex``, ``I_syn_in``.
    """
    M, T = counts.shape
    start = np.broadcast_to(initial_potential, M)
    layouts = [None] * M if adaptive is None else adaptive
    populations = [
        CarriedPopulation(
            p, h, u, layout, None if variances is None else capacities(i, parameters, weights, variances), smooth
        )
        if carried
        else MesoPopulation(p, h, u, nest_index_error, smooth)
        if layout is None
        else AdaptivePopulation(p, h, u, **layout, smooth=smooth)
        for i, (p, u, layout) in enumerate(zip(parameters, start, layouts, strict=True))
    ]
    record = {name: np.zeros((M, T)) for name in ("mean", "V_m", "E_sfa", "I_syn_ex", "I_syn_in")}
    for k in range(T):
        for i, population in enumerate(populations):
            arriving = {"ex": 0.0, "in": 0.0, "ex_variance": 0.0, "in_variance": 0.0}
            for j in range(M):
                d = delays[i][j]
                if k >= d:
                    receptor = "ex" if weights[i][j] > 0 else "in"
                    arriving[receptor] += weights[i][j] * counts[j, k - d]
                    if variances is not None:
                        arriving[f"{receptor}_variance"] += variances[i][j] * counts[j, k - d]
            more = () if variances is None else (arriving["ex_variance"], arriving["in_variance"])
            population.expect(0.0 if currents is None else currents[i, k], arriving["ex"], arriving["in"], *more)
            record["mean"][i, k] = population.mean
            record["V_m"][i, k] = population.V_m
            record["E_sfa"][i, k] = population.E_sfa
            record["I_syn_ex"][i, k] = population.I_syn["ex"]
            record["I_syn_in"][i, k] = population.I_syn["in"]
        for i, population in enumerate(populations):
            population.emit(counts[i, k])
    return record

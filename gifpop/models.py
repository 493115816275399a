"""Networks of the literature, ready to simulate at either level.

`brunel`, `winner_take_all` and `potjans_diesmann` are from Schwalger T, Deger M, Gerstner W (2017), PLoS Comput Biol
13(4):e1005507; `population_bursts` and `working_memory` are the networks with short-term plasticity of Tsodyks M, Uziel
A, Markram H (2000), J Neurosci 20:RC50, and Mongillo G, Barak O, Tsodyks M (2008), Science 319:1543, as populations of
GIF neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gifpop.common import checks
from gifpop.inputs import StepCurrent
from gifpop.network import Network
from gifpop.parameters import GIF
from gifpop.plasticity import TsodyksMarkram

# of all neurons here, unless they have others; the capacitance has no effect, since drives and weights are potentials
MEMBRANE = {"C_m": 250.0, "E_L": 0.0, "V_reset": 0.0, "V_T_star": 15.0, "Delta_V": 2.5, "lambda_0": 10.0}
TIMES = {"t_ref": 4.0, "tau_syn_ex": 3.0, "tau_syn_in": 6.0}

FACILITATING = TsodyksMarkram(U=0.2, tau_rec=200.0, tau_fac=1500.0)
CUE_MS, CUE_MV = 350.0, 4.0  # of a cue: how long, and by how much it shifts resting potentials

COLUMN_POPULATIONS = ("2/3E", "2/3I", "4E", "4I", "5E", "5I", "6E", "6I")
COLUMN_SIZES = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
COLUMN_DRIVES = (19.14942021, 20.36247192, 30.80455243, 28.06868188, 29.43680143, 29.32954448, 34.93225564, 32.08123423)
COLUMN_RATES = (0.9736, 2.8607, 4.6732, 5.6498, 8.1410, 9.0128, 0.9881, 7.5303)
COLUMN_THALAMUS = {"4E": 19.0, "4I": 11.964, "6E": 9.896, "6I": 3.788}
COLUMN_PROBABILITIES = np.array(
    [
        # onto a row, from a column
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)


def brunel(size: int = 200, adaptation: bool = True, step: tuple[float, float] | None = None) -> Network:
    """Return one excitatory and one inhibitory population.

    This is the network of NEST's gallery example and of Fig. 5 of Schwalger, Deger & Gerstner (2017).

    Parameters
    ----------
    size : int
        Number of inhibitory neurons, >= 1; four times as many are excitatory. Weights scale with 200/size.
    adaptation : bool
        Give neurons strong adaptation of the threshold, with time constants of 100 ms and 1 s.
    step : tuple of float or None
        Step of the drive of all neurons: (time in ms, size in mV). None: no step.

    Returns
    -------
    Network
        Populations ``"E"`` and ``"I"``.
    """
    size = checks.integer("models.brunel: size", size, 1)
    cell = _cell(24.0, tau_sfa=[100.0, 1000.0] if adaptation else [], q_sfa=[10.0, 1.0] if adaptation else [])
    net = Network()
    for name, N in (("E", 4 * size), ("I", size)):
        net.population(name, N, cell)
    for post in ("E", "I"):
        _connect(net, "E", post, 0.3 * 200 / size, p=0.2)
        _connect(net, "I", post, -1.5 * 200 / size, p=0.2)
    if step is not None:
        time, jump = step
        for name in ("E", "I"):
            net.inject(name, StepCurrent([time], [_current(jump, cell)]))
    return net


def winner_take_all(adaptation: bool = False) -> Network:
    """Return two excitatory populations that compete through a common inhibitory one.

    This is the network of Fig. 7 of Schwalger, Deger & Gerstner (2017). Each population is active for some seconds,
    until a finite-size fluctuation switches activity to the other.

    Parameters
    ----------
    adaptation : bool
        Give excitatory neurons weak adaptation (0.1 mV, 1 s), and the network stronger weights.

    Returns
    -------
    Network
        Populations ``"E1"``, ``"E2"`` (400 neurons each) and ``"I"`` (200).
    """
    net = Network()
    for name in ("E1", "E2"):
        if adaptation:
            net.population(name, 400, _cell(36.5, tau_sfa=[1000.0], q_sfa=[0.1]))
        else:
            net.population(name, 400, _cell(36.0))
    net.population("I", 200, _cell(36.0))
    w_E, w_I = (0.096, -0.384) if adaptation else (0.0624, -0.2496)
    for name in ("E1", "E2"):
        _connect(net, name, name, w_E)
        _connect(net, name, "I", w_E)
        _connect(net, "I", name, w_I)
    _connect(net, "I", "I", w_I)
    return net


def potjans_diesmann(
    scale: float = 1.0, adaptation: bool = False, thalamus: tuple[float, float] | None = None
) -> Network:
    """Return the cortical column of Potjans & Diesmann (2014) as GIF neurons.

    This is the network of Fig. 8 and Table 1 of Schwalger, Deger & Gerstner (2017): four layers of excitatory and
    inhibitory neurons, 77,169 in all, with 3e8 synapses. Use a step of 0.1 ms.

    Parameters
    ----------
    scale : float
        Factor of the numbers of neurons, > 0; weights are divided by it, which keeps mean drives.
    adaptation : bool
        Give excitatory neurons adaptation (1 mV s, time constant 1 s), which a larger drive compensates.
    thalamus : tuple of float or None
        Step of 30 ms of the drive of layers 4 and 6: (time in ms, size in mV of 4E); the other populations receive
        proportional ones. None: no step.

    Returns
    -------
    Network
        Populations ``"2/3E"``, ``"2/3I"``, ``"4E"``, ``"4I"``, ``"5E"``, ``"5I"``, ``"6E"``, ``"6I"``.
    """
    scale = checks.number("models.potjans_diesmann: scale", scale, "> 0")
    net = Network()
    cells: dict[str, GIF] = {}
    for name, N, mu, rate in zip(COLUMN_POPULATIONS, COLUMN_SIZES, COLUMN_DRIVES, COLUMN_RATES, strict=True):
        adapting = adaptation and name.endswith("E")
        cells[name] = _cell(
            mu + (rate if adapting else 0.0),  # 1 mV s times the rate
            tau_m=10.0,
            t_ref=2.0,
            Delta_V=5.0,
            tau_syn_ex=0.5,
            tau_syn_in=0.5,
            tau_sfa=[1000.0] if adapting else [],
            q_sfa=[1.0] if adapting else [],
        )
        net.population(name, max(1, round(N * scale)), cells[name])
    for post, row in zip(COLUMN_POPULATIONS, COLUMN_PROBABILITIES, strict=True):
        for pre, p in zip(COLUMN_POPULATIONS, row, strict=True):
            if p > 0.0:
                weight = 87.8 * (1.0 if pre.endswith("E") else -4.0) * (2.0 if (pre, post) == ("4E", "2/3E") else 1.0)
                net.connect(pre, post, weight=weight / scale, delay=1.5, p=float(p))
    if thalamus is not None:
        time, jump = thalamus
        for name, share in COLUMN_THALAMUS.items():
            amplitude = _current(jump * share / COLUMN_THALAMUS["4E"], cells[name])
            net.inject(name, StepCurrent([time, time + 30.0], [amplitude, 0.0]))
    return net


def population_bursts(size: int = 400) -> Network:
    """Return an excitatory population whose synapses depress, which bursts at irregular times.

    Resources recover until a fluctuation of the finite population grows by recurrent excitation; the burst of some
    100 ms uses them up. Bursts are some 1.8 s apart, with a coefficient of variation of 0.4, at 400 neurons; more
    neurons burst more rarely, as fluctuations are smaller.

    Parameters
    ----------
    size : int
        Number of neurons, >= 1. Weights scale with 400/size.

    Returns
    -------
    Network
        Population ``"E"``.

    References
    ----------
    Tsodyks M, Uziel A, Markram H (2000). Synchrony generation in recurrent networks with frequency-dependent synapses.
    J Neurosci 20:RC50.
    """
    size = checks.integer("models.population_bursts: size", size, 1)
    net = Network()
    net.population("E", size, _cell(9.0))
    _connect(net, "E", "E", 0.5 * 400 / size, plasticity=TsodyksMarkram(U=0.5, tau_rec=800.0))
    return net


def working_memory(items: int = 2, size: int = 800, cues: Sequence[tuple[float, int]] = ((2000.0, 1),)) -> Network:
    """Return excitatory populations, one for each item, that remember a cue by facilitation of their synapses.

    A cue, 350 ms of stronger drive, makes the neurons of an item fire, which facilitates the synapses among them. From
    then on the population bursts several times a second, and each burst renews the facilitation: the item is kept for
    as long as that goes on, although neurons fire at only some 5 spikes/s. Cued later, another item takes its place, or
    both burst in turn.

    Parameters
    ----------
    items : int
        Number of items, >= 1.
    size : int
        Number of neurons of each item, >= 2; half as many are inhibitory. Weights scale with 800/size.
    cues : sequence of (time, item)
        Beginnings of cues, in ms, and the items cued, from 1 on.

    Returns
    -------
    Network
        Populations ``"1"``, ``"2"``, ... and ``"I"``.

    References
    ----------
    Mongillo G, Barak O, Tsodyks M (2008). Synaptic theory of working memory. Science 319:1543.
    """
    items = checks.integer("models.working_memory: items", items, 1)
    size = checks.integer("models.working_memory: size", size, 2)
    net, names = Network(), [str(item) for item in range(1, items + 1)]
    for name in names:
        net.population(name, size, _cell(9.5))
    net.population("I", size // 2, _cell(9.6))
    for pre in names:
        for post in names:
            _connect(net, pre, post, (0.47 if pre == post else 0.04) * 400 / size, plasticity=FACILITATING)
        _connect(net, pre, "I", 0.28 * 400 / size)
        _connect(net, "I", pre, -0.05 * 400 / size)
    for time, item in cues:
        name = names[checks.integer("models.working_memory: item of a cue", item, 1, items) - 1]
        amplitude = _current(CUE_MV, net.populations[name].cell)
        net.inject(name, StepCurrent([time, time + CUE_MS], [amplitude, 0.0]))
    return net


def _cell(mu: float, tau_m: float = 20.0, **others: Any) -> GIF:
    """Return neurons with a drive of ``mu`` mV, without adaptation unless given."""
    given = {**MEMBRANE, **TIMES, "tau_sfa": (), "q_sfa": (), **others}
    return GIF(tau_m=tau_m, I_e=mu * given["C_m"] / tau_m, **given)


def _current(mV: float, cell: GIF) -> float:
    """Return the current, pA, that shifts the resting potential by ``mV``."""
    return mV * cell.C_m / cell.tau_m


def _connect(
    net: Network, pre: str, post: str, mV: float, p: float = 1.0, plasticity: TsodyksMarkram | None = None
) -> None:
    """Connect with a delay of 1 ms and a weight given as the shift of the potential by the charge of a spike."""
    cell = net.populations[post].cell
    tau = cell.tau_syn_ex if mV > 0.0 else cell.tau_syn_in
    net.connect(pre, post, weight=mV * cell.C_m / tau, delay=1.0, p=p, plasticity=plasticity)

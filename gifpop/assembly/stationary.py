"""The stationary state of a network, found by relaxation, and populations and neurons that start in it.

Fluctuations vanish in large networks. A copy of the network with very many neurons, and with weights that are smaller
in proportion, relaxes from rest until its activity stays constant. Populations of any size begin in that state, with
expected numbers of neurons; single neurons are drawn from it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gifpop.common.membrane import underflows_to_zero
from gifpop.common.warn import warn
from gifpop.engine import signals
from gifpop.engine.chunks import Probing
from gifpop.engine.engine import Engine, SimulationError
from gifpop.engine.links import Link
from gifpop.engine.plasticity import start_records
from gifpop.meso import _meso, history, members, synapses
from gifpop.meso.modes import unpack
from gifpop.meso.plan import PopulationPlan
from gifpop.micro.plan import NeuronPlan

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers, Receptor, Streams
    from gifpop.engine.links import NoiseLink
    from gifpop.meso.modes import Carried
    from gifpop.parameters import GIF

logger = logging.getLogger(__name__)

SIZE = 2**50  # neurons; of 1 spike/s, counts in 0.1 ms fluctuate by 3e-6 of themselves
SETTLED = 1e-4  # largest relative change of the activity from one window to the next
STEADY = 1e-2  # largest relative change within one; adaptive histories ripple, by up to half of that
SILENT = 1e-3  # spikes/s; of less activity, changes matter no more than of so much
LONGEST = 50  # windows
DAMPED = 4  # of them are followed by one in which all fire steadily
WINDOW = 0.5  # in units of the slowest time constant
LONGEST_WINDOW = 10**8  # steps; several windows take minutes then
MEMBRANES = 10.0  # what counts as such in units of that of the membrane, since several spikes must pass


@underflows_to_zero
def mean_links(links: Iterable[Link], sizes: Sequence[int]) -> list[Link]:
    """Return links with the mean input that the units of groups, of these sizes, receive along single connections."""
    made: list[Link] = []
    for link in links:
        if link.first is None:
            made.append(link)
        else:
            made += _mean_of_connections(link, sizes[link.source] * sizes[link.target])
    return made


def _mean_of_connections(link: Link, pairs: int) -> list[Link]:
    """Return a link for each lag and receptor among single connections; ``pairs`` of units might have one."""
    assert link.units is not None
    if link.weights is None and link.lags is None:
        return [_to_all(link, link.lag, link.receptor, link.weight * len(link.units) / pairs)]
    weights = link.weight * (np.ones(len(link.units)) if link.weights is None else link.weights)
    lags = np.full(len(weights), link.lag) if link.lags is None else link.lags
    made = []
    at: list[tuple[Receptor, Floats]] = [(link.receptor, weights)]
    if link.receptor in ("excitatory", "inhibitory"):
        at = [("excitatory", np.maximum(weights, 0.0)), ("inhibitory", np.minimum(weights, 0.0))]
    for receptor, amounts in at:
        sums = np.bincount(lags, amounts)
        made += [_to_all(link, int(lag), receptor, sums[lag] / pairs) for lag in np.flatnonzero(sums)]
    return made


def _to_all(link: Link, lag: int, receptor: Receptor, weight: float) -> Link:
    return Link(link.source, link.target, lag, receptor, weight, plasticity=link.plasticity)


def of_population(link: Link) -> Link:
    """Return a link from neurons as one from a population, whose cohorts carry the state of its plasticity."""
    return link if link.plasticity is None else replace(link, plasticity=replace(link.plasticity, population="carried"))


def relax(
    names: Iterable[str],
    cells: Sequence[GIF],
    plans: Sequence[PopulationPlan],
    sizes: Sequence[int],
    links: Sequence[Link],
    lines: Iterable[signals.Signal],
    noise: Iterable[NoiseLink] = (),
    *,
    dt: float,
    n_threads: int = 1,
) -> Engine:
    """Return an engine whose populations have come to the stationary state.

    Warn if they have not within the longest time: the network oscillates, or is very slow. Raise `SimulationError` if
    numbers leave their range before.

    ``plans`` are of `SIZE` neurons each, at rest; ``links`` lead to all units (`mean_links`), from the ``sizes``
    neurons that there are and from the ``lines``, whose signals stay what they are at time 0; so do those of the
    ``noise``, private currents.
    """
    scaled, held = [_scaled(link, sizes) for link in links], [_held(line) for line in lines]
    streams = [np.random.PCG64(i) for i in range(len(plans))]
    private = [replace(link, signal=_held(link.signal)) for link in noise]
    kept = [link.fluctuation.kept for link in private if link.fluctuation is not None]
    engine = Engine(names, plans, streams, scaled, held, private, dt=dt, n_threads=n_threads)
    try:
        settled = _settle(engine, _window(cells, links, kept, dt))
    except SimulationError as error:
        raise SimulationError(
            "Simulation.initial = 'stationary': no stationary state was found: in a large copy of the network that "
            f"relaxes from rest, {error}, or spikes facilitate without bound; initial='rest' needs no such state"
        ) from None
    logger.debug("stationary state %s after %g ms", "found" if settled else "not found", engine.step * dt)
    for plan in _populations(engine):
        _fill_up(plan)
    if not settled:
        warn(
            f"Simulation.initial = 'stationary': the activity still changes after {engine.step * dt:g} ms: the network "
            "oscillates, or has too little noise to forget how it began; the simulation begins in the state of that "
            "time",
        )
    return engine


def _settle(engine: Engine, window: int) -> bool:
    """Run in windows of this many steps until the activity stays constant; return whether it does.

    Neurons that begin alike fire together, the longer the less noise they have. Therefore windows in which they are
    made to fire steadily, as often as before, alternate at first with windows in which they fire freely.
    """
    before = np.inf
    for i in range(LONGEST):
        activity = _activity(engine, window)
        now, least = activity.mean(axis=0), np.maximum(activity.mean(axis=0), SILENT)
        if np.all(np.abs(now - before) < SETTLED * least) and np.all(np.ptp(activity, axis=0) < STEADY * least):
            return True
        if i < DAMPED:
            _activity(engine, window, now)
            for plan in _populations(engine):
                _fill_up(plan)
        before = now
    return False


def _populations(engine: Engine) -> list[PopulationPlan]:
    """Return the plans of an engine that relaxes: it has only populations."""
    return [plan for plan in engine.plans if isinstance(plan, PopulationPlan)]


def _fill_up(plan: PopulationPlan) -> None:
    """Put all neurons missing from the cohorts into the free pool, with its stationary variance.

    By themselves they come there only as fast as free neurons fire, while the activity has long been what it will be:
    the correction for finite size sees to that. Of those who fire, the free ones are the share S that has survived the
    whole history: the number x of free neurons gains the variance (1 - S) p x with those that join them, p x as some
    of them fire, and loses p (2 - p) of what it has.
    """
    state = plan.state[0]
    cohorts = plan.window["survivors"].sum() + (0.0 if plan.cells is None else plan.merged["survivors"].sum())
    x = max(plan.constants["N"][0] - cohorts, 0.0)
    p = -math.expm1(-2.0 * plan.constants["half_step"][0] * state["hazard"])
    S = min(p * x / max(state["mean"], 1.0), 1.0)
    state["survivors"], state["variance"] = x, x * (2.0 - S) / (2.0 - p)


def _scaled(link: Link, sizes: Sequence[int]) -> Link:
    """Return a link with its weight in a network of populations of `SIZE` neurons; from an input line, unchanged."""
    if link.source >= len(sizes):
        return link
    return replace(link, weight=link.weight * sizes[link.source] / SIZE)


def _held(signal: signals.Signal) -> signals.Piecewise:
    """Return a constant signal: the expected value of another one at time 0."""
    return signals.Piecewise([0], [signal.expected(0)])


def _window(cells: Iterable[GIF], links: Iterable[Link], kept: Iterable[float], dt: float) -> int:
    """Return the steps of a relaxation window; whole rounds of merging. Refuse what would take hours.

    ``kept``: shares of private currents that are left after a step.
    """
    laws = [link.plasticity for link in links if link.plasticity is not None]
    slowest = max(
        *(
            max(MEMBRANES * cell.tau_m, *cell.synaptic_times, cell.t_ref, *cell.tau_sfa, *cell.tau_stc)
            for cell in cells
        ),
        *(-dt / math.log(share) for share in kept if share > 0.0),
        *(tau for law in laws for tau in (law.tau_rec, law.tau_fac)),
        0.0,
    )
    steps = max(WINDOW * slowest / dt, *(link.lag for link in links), 1)
    if steps > LONGEST_WINDOW:
        raise ValueError(
            "Simulation.initial = 'stationary': the slowest time constants must be <= "
            f"{LONGEST_WINDOW / WINDOW:g} steps of dt = {dt} ms, got {slowest:g} ms; initial='rest' needs no relaxation"
        )
    return history.MERGE_EVERY * math.ceil(steps / history.MERGE_EVERY)


def _activity(engine: Engine, steps: int, steady: Floats | None = None) -> Floats:
    """Run; return expected activities, spikes/s, averaged over rounds of merging, which cause ripples.

    ``steady``: activities to keep up, one for each population.
    """
    spikes = 1e-3 * engine.dt * SIZE  # of an activity of 1 spike/s in a step
    probes = [(i, 0, "mean") for i in range(len(engine.plans))]
    counts = {}
    if steady is not None:
        kept = np.clip(np.asarray(steady) * spikes, 0.0, SIZE)
        counts = {i: np.full(engine.step + steps, count, np.int64) for i, count in enumerate(kept)}
    expected = np.concatenate([chunk.records for chunk in engine.run(steps, Probing(engine.plans, probes, counts))])
    return expected.reshape(-1, history.MERGE_EVERY, len(probes)).mean(axis=1) / spikes


def begin(engine: Engine, relaxed: Engine, streams: Streams) -> None:
    """Start the groups of an engine in the state of one returned by `relax`, with its input in transit.

    ``streams(i)`` returns the bit generator that the neurons of group ``i`` are drawn with.
    """
    engine.take_over(relaxed)
    for i, (plan, state) in enumerate(zip(engine.plans, _populations(relaxed), strict=True)):
        if isinstance(plan, NeuronPlan):
            random = np.random.Generator(streams(i))
            own = draw_neurons(plan, state, random)
            _begin_links(engine, i, state, own.plastic)
            for process in engine.noise:
                if process.target == i and process.fluctuation is None and process.lag > 0:
                    _draw_noise(engine, process, plan.N, random)
            for process, numbers in zip(_private(engine, i), own.private, strict=True):
                _draw_currents(engine, process, numbers, random)
        elif isinstance(plan, PopulationPlan):
            load_population(plan, state)
            for process in _private(engine, i):
                if process.signal.expected(0) > 0.0:
                    engine.numbers_of(process)[:] = 0.0  # its variance is in the state
            if plan.drawn:
                members.draw_members(plan, np.random.Generator(streams(i)))


def _begin_links(engine: Engine, source: int, relaxed: PopulationPlan, modes: Floats) -> None:
    """Start the plasticity of the links from neurons, whose modes have been drawn: shape (modes, N)."""
    for link, records in engine.states_from(source):
        assert link.plasticity is not None
        assert relaxed.carried is not None
        laws = relaxed.carried.laws
        law = laws.index(link.plasticity.of_population())
        none = np.zeros(len(records))
        use, lack = (modes[place] if place >= 0 else none for place in synapses.places_of_modes(laws)[law])
        start_records(records, link.plasticity.U + use, 1.0 - lack)


def _private(engine: Engine, group: int) -> list[NoiseLink]:
    """Return the private currents of a group."""
    return [link for link in engine.noise if link.target == group and link.fluctuation and not link.shared]


def _draw_noise(engine: Engine, process: NoiseLink, N: int, random: np.random.Generator) -> None:
    """Add random events of a process to the input in transit of each of N neurons, which has their mean already."""
    steps, mean = np.arange(process.lag)[:, np.newaxis], process.signal.expected(0)
    amounts = process.weight * (random.poisson(mean, (process.lag, N)) - mean)
    engine.add_input(steps, process.receptor, process.target, amounts, np.arange(N))


def _draw_currents(engine: Engine, process: NoiseLink, numbers: Floats, random: np.random.Generator) -> None:
    """Continue the private currents of neurons, which have arrived with these numbers, up to the first step."""
    law, variance = process.fluctuation, process.signal.expected(0)
    assert law is not None
    if variance == 0.0:  # they have not begun
        return
    for step in range(process.lag):
        if step % law.hold == 0:
            drawn = random.standard_normal(len(numbers))
            numbers = law.kept * numbers + math.sqrt(1.0 - law.kept**2) * drawn
        amounts = math.sqrt(variance) * numbers
        engine.add_input(step, process.receptor, process.target, amounts, np.arange(len(numbers)))
    engine.numbers_of(process)[:] = numbers


@underflows_to_zero
def load_population(plan: PopulationPlan, relaxed: PopulationPlan) -> None:
    """Start a population in the state of a relaxed one, which has the same arrays and `SIZE` neurons."""
    pairs = [(getattr(plan, name), getattr(relaxed, name)) for name in ("state", "I_syn", "sfa", "cohorts")]
    if plan.cells is not None and relaxed.cells is not None:
        pairs += [(plan.cells.rows, relaxed.cells.rows), (plan.cells.traces, relaxed.cells.traces)]
    if plan.carried is not None and relaxed.carried is not None:
        pairs += [(getattr(plan.carried, name), getattr(relaxed.carried, name)) for name in ("fired", "recent")]
        if relaxed.carried.unit is not None:
            pairs.append((plan.carried.unit, relaxed.carried.unit))
        pairs += zip(plan.carried.states, relaxed.carried.states, strict=True)
    if plan.mean_fields is not None:
        pairs.append((plan.mean_fields, relaxed.mean_fields))
    for mine, theirs in pairs:
        mine[:] = theirs
    plan.scale(plan.constants["N"][0] / SIZE)


@underflows_to_zero
def draw_neurons(plan: NeuronPlan, relaxed: PopulationPlan, random: np.random.Generator) -> _Own:
    """Start neurons in the state of a relaxed population, whose cohorts carry their adaptation.

    Each neuron belongs to a cohort, or to the free neurons, with the probability that survivors do, and has their
    potential and pause. Its adaptation, how its synaptic currents differ from the mean, private currents and plasticity
    are drawn from the normal distribution with their moments. All that is returned.
    """
    N, constants = plan.N, relaxed.constants[0]
    survivors, potential, age, moments = _everybody(relaxed)
    share = np.cumsum(survivors)
    cohort = np.searchsorted(share, share[-1] * random.random(N), side="right")
    own = _draw_own(plan, relaxed.carried, moments, cohort, random)
    plan.of_neurons("pause")[:] = np.maximum(constants["refractory"] + 1.0 - age[cohort], 0.0)
    rising = age[cohort] > constants["refractory"] + 1.0
    plan.of_neurons("V_m")[:] = np.where(rising, potential[cohort] + own.potential, constants["V_reset"])
    plan.of_neurons("E_sfa")[:] = constants["V_T_star"] + own.thresholds.sum(axis=0)
    plan.of_neurons("I_stc")[:] = own.currents.sum(axis=0)
    plan.state["sfa"][:, :N], plan.state["stc"][:, :N] = own.thresholds, own.currents
    plan.state["I_syn"][:, :N] = relaxed.I_syn[: plan.n_receptors, np.newaxis] + own.synapses
    plan.begin_trapezoids()
    return own


def _everybody(relaxed: PopulationPlan) -> tuple[Floats, Floats, Integers, Floats | None]:
    """Return survivors, potentials, ages in the next step and moments of the free neurons, cells and cohorts."""
    state, window = relaxed.state[0], relaxed.window
    merged = {"survivors": np.zeros(0), "potential": np.zeros(0)} if relaxed.cells is None else relaxed.merged
    ages = np.arange(state["cohorts"], 0, -1)
    old = np.full(1 + state["cells"], state["cohorts"] + 1)  # than any cohort; by how much does not matter
    survivors = np.concatenate([[state["survivors"]], merged["survivors"], window["survivors"]])
    potential = np.concatenate([[state["V_m"]], merged["potential"], window["potential"]])
    moments = None
    if relaxed.carried is not None:
        free, cohorts, *cells = relaxed.carried.states
        used = slice(_meso.PADDING, _meso.PADDING + state["cells"])
        moments = np.hstack([free, *(rows[:, used] for rows in cells), cohorts[:, relaxed.in_use]])[:-1]
        moments /= relaxed.carried.decay[:, np.newaxis]  # between two steps, those of the end of the next one
        units = relaxed.carried.units
        moments *= np.concatenate([units, np.outer(units, units)[np.tril_indices(len(units))]])[:, np.newaxis]
    return survivors, potential, np.concatenate([old, ages]), moments


def _with_white(carried: Carried, slow: Floats) -> Floats:
    """Return private currents, those with a memory as they are given; nothing is left of white ones."""
    currents = np.zeros((len(carried.private), slow.shape[1]))
    currents[[one.kept > 0.0 for one in carried.private]] = slow
    return currents


class _Own(NamedTuple):
    """Differences of neurons from their cohort, one column each."""

    thresholds: Floats  # mV
    currents: Floats  # spike-triggered, pA
    synapses: Floats  # deviations of synaptic currents from the mean, pA
    private: Floats  # currents that fluctuate, in their own units
    potential: Floats  # what all these have added to it, mV
    plastic: Floats  # modes of short-term plasticity


def _draw_own(
    plan: NeuronPlan, carried: Carried | None, moments: Floats | None, cohort: Integers, random: np.random.Generator
) -> _Own:
    """Draw the differences of neurons from their cohorts, whose modes have these moments."""
    J, S, R, N = len(plan.state["sfa"]), len(plan.state["stc"]), plan.n_receptors, plan.N
    if carried is None or moments is None:
        return _Own(
            np.zeros((J, N)), np.zeros((S, N)), np.zeros((R, N)), np.zeros((0, N)), np.zeros(N), np.zeros((0, N))
        )
    A, D = carried.acting, carried.D
    means, covariances = unpack(moments, D)
    roots = members.square_roots(np.moveaxis(covariances, 2, 0))
    modes = means.T[cohort] + np.einsum("ijk,ik->ij", roots[cohort], random.standard_normal((N, D)))
    values = np.linalg.inv(carried.modes) @ modes[:, :A].T
    return _Own(
        thresholds=values[:J],
        currents=values[J : J + S],
        synapses=values[J + S : J + S + R] if carried.noisy else np.zeros((R, N)),
        private=_with_white(carried, values[J + S + R : -1]) if carried.noisy else np.zeros((0, N)),
        potential=values[-1] if carried.membrane else np.zeros(N),
        plastic=modes[:, A:].T,
    )

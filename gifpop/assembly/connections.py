"""Convert connections, in ms and pA, to links in steps.

A connection between neurons is drawn by its rule. One that begins or ends at a mesoscopic population takes the expected
number of connections of a pair of neurons as a factor of its weight. With sparse wiring, a mesoscopic population learns
besides how much its neurons, each of which sees a sample of the spikes, differ in what they receive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

import numpy as np

from gifpop import _core
from gifpop.common.grid import MOST_STEPS, nearest_steps, whole_steps
from gifpop.common.receptors import has_sign
from gifpop.common.warn import warn
from gifpop.distributions import Distribution, draw_checked
from gifpop.engine.links import Link
from gifpop.engine.plasticity import RECORD, LinkPlasticity
from gifpop.inputs import NoiseCurrent, OUCurrent, PoissonSpikes
from gifpop.rules import IndegreeFraction
from gifpop.wiring.draw import check_rule, connect, connection_bytes, is_implicit

if TYPE_CHECKING:
    from gifpop.common import checks
    from gifpop.common.typing import Floats, Integers, Level, Receptor, Shorts, Sign, Structured, Synapse, Wiring
    from gifpop.description import Connection, Description, Injection
    from gifpop.inputs import Input
    from gifpop.plasticity import TsodyksMarkram

    Drawn: TypeAlias = tuple[Integers, Shorts, Floats | None, Shorts | None]  # first, units, weights, lags of a link

CONNECTION = np.dtype([("source", np.int64), ("target", np.int64), ("weight", np.float64), ("delay", np.float64)])
LARGEST_VARIANCE = 1e200  # pA^2
BYTES_OF_SYNAPSE = 8.0 * len(RECORD)


def receptor(weight: float) -> Sign:
    """Return the synapse that the sign of a weight selects."""
    return "excitatory" if weight > 0 else "inhibitory"


def receptor_of(net: Description, of: Connection | Injection, weight: float) -> Synapse:
    """Return the receptor at which spikes of a connection or an input arrive: by number, or by the weight's sign."""
    receptors = net.populations[of.post].cell.receptors
    if of.receptor is not None:
        return receptors.index(of.receptor)
    return receptor(weight) if has_sign(receptors) else 0


def place_of(synapse: Synapse) -> int:
    """Return the number of a receptor."""
    return synapse if isinstance(synapse, int) else _core.RECEPTOR[synapse]


def variance_at(synapse: Synapse) -> Receptor:
    """Return where the variance arrives that comes with spikes at a receptor."""
    if synapse == "excitatory":
        return "excitatory variance"
    if synapse == "inhibitory":
        return "inhibitory variance"
    return _core.RECEPTOR["excitatory variance"] - place_of(synapse)


def check_connections(
    net: Description,
    connections: Iterable[Connection],
    levels: Mapping[str, Level],
    dt: float,
    wiring: Wiring = "dense",
) -> float:
    """Check connections against levels, wiring and time grid; return their memory, in bytes."""
    total = most = 0.0
    for c in connections:
        pre, post = net.populations[c.pre], net.populations[c.post]
        various = {name: isinstance(getattr(c, name), Distribution) for name in ("weight", "delay")}
        if not isinstance(c.delay, Distribution):
            whole_steps(f"{c.label}: delay", c.delay, dt, least=1)
        check_rule(c.label, c.rule, pre.N, post.N, c.pre == c.post)
        if c.plasticity is not None:
            total += pre.N * BYTES_OF_SYNAPSE if levels[c.pre] == "micro" else 0.0
        if levels[c.pre] == levels[c.post] == "micro":
            _warn_of_rounding(c, pre.N)
            kept, making = connection_bytes(c.rule, pre.N, post.N, various["weight"], various["delay"], c.pre == c.post)
            total, most = total + kept, max(most, making)
        else:
            for name, is_various in various.items():
                if is_various:
                    raise ValueError(
                        f"{c.label}: {name} must be one number where a mesoscopic population is connected, got "
                        f"{getattr(c, name)}: connections that differ have no exact meaning there"
                    )
            if wiring == "sparse" and levels[c.post] == "meso":
                _check_sample(c, pre.N, post.N)
    return total + most


def capacities(net: Description, wiring: Wiring) -> dict[str, list[float]]:
    """Return the capacity of each population whose neurons receive input of their own: samples of the spikes, or noise.

    A dict of name to the variance at each receptor, pA^2, between neurons that the samples would bring if every neuron
    that they are drawn from fired once.
    """
    none = {name: [0.0] * len(p.cell.receptors) for name, p in net.populations.items()}
    found = {
        injection.post: none[injection.post]
        for injection in net.injections
        if is_own_noise(injection.input) and not getattr(injection.input, "is_silent", False)
    }
    if wiring == "dense":
        return found
    for c in net.connections:
        n_pre = net.populations[c.pre].N
        variance = c.rule.variance(n_pre, net.populations[c.post].N)
        if variance != 0.0 and (isinstance(c.weight, Distribution) or c.weight != 0.0):
            capacity = found.setdefault(c.post, none[c.post])
            if variance is not None and not isinstance(c.weight, Distribution):
                place = place_of(receptor_of(net, c, c.weight))
                capacity[place] += squared(f"{c.label}: weight", c.weight) * variance * n_pre
    return found


def squared(where: str, size: float) -> float:
    """Return the square of a weight or of a standard deviation, if it is a number."""
    square = size * size
    if square > LARGEST_VARIANCE:
        raise ValueError(
            f"{where} must be <= {math.sqrt(LARGEST_VARIANCE):g} pA in size where neurons receive input of their own, "
            f"whose variance is its square, got {size}"
        )
    return square


def is_own_noise(input: Input) -> TypeGuard[PoissonSpikes | NoiseCurrent | OUCurrent]:
    """Return whether an input is different for each neuron."""
    return isinstance(input, PoissonSpikes | NoiseCurrent | OUCurrent) and not input.shared


def is_fluctuating(input: Input) -> TypeGuard[NoiseCurrent | OUCurrent]:
    """Return whether an input is a current that fluctuates."""
    return isinstance(input, NoiseCurrent | OUCurrent)


def _check_sample(c: Connection, n_pre: int, n_post: int) -> None:
    """Raise an error if neurons of a mesoscopic population would differ by more than samples of the spikes."""
    if c.rule.variance(n_pre, n_post) is None:
        indegree = round(c.rule.density(n_pre, n_post) * n_pre)
        raise ValueError(
            f"{c.label}: rule must draw equally many sources for each neuron of a mesoscopic population where "
            f"Simulation.wiring is 'sparse', got {c.rule}: lasting differences between neurons have no equation there; "
            f"FixedIndegree({indegree}) comes nearest to the mean, wiring='dense' leaves out the samples"
        )


def _warn_of_rounding(c: Connection, n_pre: int) -> None:
    """Warn if an in-degree, rounded to an integer, is far from that given by ``p``."""
    if not isinstance(c.rule, IndegreeFraction):
        return
    exact = c.rule.p * n_pre
    if abs(round(exact) - exact) > 0.1 * exact:
        warn(
            f"{c.label}: p = {c.rule.p} of {n_pre} sources is {exact:g} connections onto each neuron, rounded to "
            f"{round(exact)}; rule=PairwiseBernoulli({c.rule.p}) keeps the mean",
        )


def links(
    net: Description,
    c: Connection,
    levels: Mapping[str, Level],
    dt: float,
    stream: Callable[[], np.random.BitGenerator],
    threads: int = 1,
    wiring: Wiring = "dense",
    drawn: Drawn | None = None,
) -> list[Link]:
    """Return the link of a connection, and one more for its variance where the wiring is sparse.

    Parameters
    ----------
    net : Description
    c : Connection
        One of its.
    levels : dict of str to str
        Of each population.
    dt : float, ms
    stream : callable
        Returns the bit generator of the connection.
    threads : int
        That draw connections.
    wiring : {"dense", "sparse"}
        Onto mesoscopic populations.
    drawn : tuple, or None
        The arrays of the connections between neurons (`Link.connections`), if they have been drawn before.
    """
    order = list(net.populations)
    ends = order.index(c.pre), order.index(c.post)
    if levels[c.pre] == levels[c.post] == "micro":
        return [_neuron_link(net, c, dt, *ends, stream, threads, drawn)]
    mean = _population_link(net, c, dt, levels[c.pre], *ends)
    more = _variance_links(net, c, mean) if wiring == "sparse" and levels[c.post] == "meso" else []
    return [mean, *more]


def changed_link(net: Description, link: Link, c: Connection, dt: float) -> Link:
    """Return the link of drawn connections with another receptor and, if all are alike, another weight and delay."""
    weight = link.weight if isinstance(c.weight, Distribution) else c.weight
    link = replace(link, weight=weight, receptor=receptor_of(net, c, weight))
    if not isinstance(c.delay, Distribution):
        link = replace(link, lag=whole_steps(f"{c.label}: delay", c.delay, dt, least=1))
    return replace(link, plasticity=link_plasticity(c.plasticity, dt, "micro"))


def is_drawn_alike(a: Connection, b: Connection) -> bool:
    """Return whether two connections between the same neurons give the same random draws."""
    values = [(one.weight, one.delay) for one in (a, b)]
    return a.rule == b.rule and all(
        one == other or not (isinstance(one, Distribution) or isinstance(other, Distribution))
        for one, other in zip(*values, strict=True)
    )


def _population_link(net: Description, c: Connection, dt: float, level: Level, source: int, target: int) -> Link:
    """Return the link of a connection that begins or ends at a mesoscopic population; ``level``: of its source."""
    weight, delay = _of_all(c.weight), _of_all(c.delay)
    density = c.rule.density(net.populations[c.pre].N, net.populations[c.post].N)
    lag = whole_steps(f"{c.label}: delay", delay, dt, least=1)
    plasticity = link_plasticity(c.plasticity, dt, level)
    return Link(source, target, lag, receptor_of(net, c, weight), weight * density, plasticity=plasticity)


def plasticities(net: Description, levels: Mapping[str, Level], dt: float) -> dict[str, dict[int, LinkPlasticity]]:
    """Return the plasticities of connections from each population, by the numbers of these.

    Those from neurons, too, as of a population: one finds the stationary state in which they begin.
    """
    found: dict[str, dict[int, LinkPlasticity]] = {}
    for c in net.connections:
        law = link_plasticity(c.plasticity, dt, levels[c.pre])
        if law is not None:
            found.setdefault(c.pre, {})[c.number] = law.of_population()
    return found


def link_plasticity(plasticity: TsodyksMarkram | None, dt: float, level: Level) -> LinkPlasticity | None:
    """Return the plasticity of a link from a population at this level."""
    if plasticity is None:
        return None
    form = plasticity.form if level == "meso" else None
    return LinkPlasticity(dt, plasticity.U, plasticity.tau_rec, plasticity.tau_fac, population=form)


def _variance_links(net: Description, c: Connection, mean: Link) -> list[Link]:
    """Return the link that adds up, spike by spike, the variance between neurons that comes with a mean; or none."""
    weight, of_number = _of_all(c.weight), c.rule.variance(net.populations[c.pre].N, net.populations[c.post].N)
    assert of_number is not None
    variance = squared(f"{c.label}: weight", weight) * of_number if of_number > 0.0 else 0.0
    if variance == 0.0:
        return []
    at, plasticity = variance_at(receptor_of(net, c, weight)), mean.plasticity
    if plasticity is not None:
        plasticity = replace(plasticity, squared=True)
    return [replace(mean, receptor=at, weight=variance, plasticity=plasticity)]


def _of_all(value: float | Distribution) -> float:
    """Return a weight or delay that all connections have, as `check_connections` has made sure."""
    assert not isinstance(value, Distribution)
    return value


def sample_links(net: Description, levels: Mapping[str, Level], dt: float) -> list[Link]:
    """Return links with the variance that comes with connections between neurons, as far as there is an equation.

    That is where connections are alike and all neurons have equally many.
    """
    index = {name: i for i, name in enumerate(net.populations)}
    made: list[Link] = []
    for c in net.connections:
        drawn = levels[c.pre] == levels[c.post] == "micro"
        various = isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution)
        if drawn and not various and c.rule.variance(net.populations[c.pre].N, net.populations[c.post].N) is not None:
            made += _variance_links(net, c, _population_link(net, c, dt, "micro", index[c.pre], index[c.post]))
    return made


def _neuron_link(
    net: Description,
    c: Connection,
    dt: float,
    source: int,
    target: int,
    stream: Callable[[], np.random.BitGenerator],
    threads: int,
    drawn: Drawn | None,
) -> Link:
    """Return the link of a connection between neurons, along the drawn connections given or newly drawn ones."""
    n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
    various = isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution)
    plasticity = link_plasticity(c.plasticity, dt, "micro")
    if is_implicit(c.rule.resolve(n_pre), c.pre == c.post) and not various:
        lag, weight = whole_steps(f"{c.label}: delay", _of_all(c.delay), dt), _of_all(c.weight)
        return Link(source, target, lag, receptor_of(net, c, weight), weight, plasticity=plasticity)
    first, units, weights, lags = drawn or _draw(c, dt, n_pre, n_post, stream(), threads)
    weight = 1.0 if isinstance(c.weight, Distribution) else c.weight
    lag = 1 if isinstance(c.delay, Distribution) else whole_steps(f"{c.label}: delay", c.delay, dt)
    return Link(source, target, lag, receptor_of(net, c, weight), weight, first, units, weights, lags, plasticity)


def _draw(c: Connection, dt: float, n_pre: int, n_post: int, stream: np.random.BitGenerator, threads: int) -> Drawn:
    """Draw the connections between two groups of neurons, with weights and lags where these are distributed."""
    first, units, order = connect(c.rule, n_pre, n_post, c.pre == c.post, stream, threads)
    random = np.random.Generator(stream)

    def draw(name: str, value: float | Distribution, condition: checks.Condition, unit: str) -> Floats | None:
        values = draw_checked(f"{c.label}: {name}", value, len(units), random, condition, unit)
        if not isinstance(values, np.ndarray):
            return None
        return values if order is None else values[order]

    weights, delay = draw("weight", c.weight, "finite", "pA"), draw("delay", c.delay, "> 0", "ms")
    if weights is not None:
        weights = np.ascontiguousarray(weights, dtype=float)
    lags = None
    if delay is not None:
        steps = np.maximum(1, nearest_steps(delay, 1.0 / dt))
        if steps.max(initial=0) > MOST_STEPS:
            raise ValueError(f"{c.label}: delay must be <= {MOST_STEPS} steps of dt = {dt} ms, got {np.max(delay)}")
        lags = steps.astype(np.int32)
    return first, units, weights, lags


def expand(made: Iterable[Link], n_pre: int, n_post: int, dt: float) -> Structured:
    """Return the single connections of links between two groups of neurons as a structured array."""
    pieces = []
    for link in made:
        first, units = link.first, link.units
        if first is None or units is None:
            first, units = np.arange(n_pre + 1) * n_post, np.tile(np.arange(n_post), n_pre)
        piece = np.zeros(len(units), CONNECTION)
        piece["source"] = np.repeat(np.arange(n_pre), np.diff(first))
        piece["target"] = units
        piece["weight"] = link.weight if link.weights is None else link.weight * link.weights
        piece["delay"] = dt * (link.lag if link.lags is None else link.lags)
        pieces.append(piece)
    joined = np.concatenate(pieces) if pieces else np.zeros(0, CONNECTION)
    return joined[np.argsort(joined["source"], kind="stable")]

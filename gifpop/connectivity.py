"""From connections and inputs, in ms and pA, to what the engine wires: links in steps, signals on the grid.

A connection between neurons is drawn by its rule. One that begins or ends at a mesoscopic population takes the expected
number of connections of a pair of neurons as a factor of its weight. With sparse wiring, a mesoscopic population learns
besides how much its neurons, each of which sees a sample of the spikes, differ in what they receive.
"""

from dataclasses import replace

import numpy as np

from gifpop import signals
from gifpop.distributions import Distribution, draw_checked
from gifpop.grid import MOST_STEPS, whole_steps
from gifpop.parameters import DirectCurrent, PoissonSpikes, SpikeTimes, StepCurrent, Waveform
from gifpop.plan import Link, NoiseLink
from gifpop.rules import IndegreeFraction
from gifpop.warn import warn
from gifpop.wiring import check_rule, connect, connection_bytes, is_implicit

CONNECTION = np.dtype([("source", np.int64), ("target", np.int64), ("weight", np.float64), ("delay", np.float64)])
WIRINGS = ("dense", "sparse")
MOST_EVENTS = 10**6  # of a Poisson process in a step


def receptor(weight):
    """Return the synapse that the sign of a weight selects."""
    return "excitatory" if weight > 0 else "inhibitory"


def check_connections(net, connections, levels, dt, wiring="dense"):
    """Check connections against levels, wiring and time grid; return the memory that they will take, in bytes."""
    total = most = 0.0
    for c in connections:
        pre, post = net.populations[c.pre], net.populations[c.post]
        various = {name: isinstance(getattr(c, name), Distribution) for name in ("weight", "delay")}
        if not various["delay"]:
            whole_steps(f"{c.label}: delay", c.delay, dt, least=1)
        check_rule(c.label, c.rule, pre.N, post.N, c.pre == c.post)
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


def noisy_populations(net, wiring):
    """Return the populations whose neurons receive input of their own: samples of the spikes, or noise.

    A dict of name to the variance, excitatory and inhibitory, pA^2, between neurons that the samples would bring if
    every neuron that they are drawn from fired once.
    """
    noisy = {
        injection.post: [0.0, 0.0]
        for injection in net.injections
        if is_own_noise(injection.input) and injection.input.rate * injection.input.weight != 0.0
    }
    if wiring == "dense":
        return noisy
    for c in net.connections:
        n_pre = net.populations[c.pre].N
        variance = c.rule.variance(n_pre, net.populations[c.post].N)
        if variance != 0.0 and (isinstance(c.weight, Distribution) or c.weight != 0.0):
            capacity = noisy.setdefault(c.post, [0.0, 0.0])
            if variance is not None and not isinstance(c.weight, Distribution):
                capacity[receptor(c.weight) == "inhibitory"] += c.weight * c.weight * variance * n_pre
    return noisy


def is_own_noise(input):
    """Tell whether an input is different for each neuron."""
    return isinstance(input, PoissonSpikes) and not input.shared


def _check_sample(c, n_pre, n_post):
    """Refuse what gives the neurons of a mesoscopic population more than samples of the spikes."""
    if c.rule.variance(n_pre, n_post) is None:
        indegree = round(c.rule.density(n_pre, n_post) * n_pre)
        raise ValueError(
            f"{c.label}: rule must draw equally many sources for each neuron of a mesoscopic population where "
            f"Simulation.wiring is 'sparse', got {c.rule}: lasting differences between neurons have no equation there; "
            f"FixedIndegree({indegree}) comes nearest to the mean, wiring='dense' leaves out the samples"
        )


def _warn_of_rounding(c, n_pre):
    """Tell where an in-degree, which is a whole number, is far from what ``p`` says."""
    if not isinstance(c.rule, IndegreeFraction):
        return
    exact = c.rule.p * n_pre
    if abs(round(exact) - exact) > 0.1 * exact:
        warn(
            f"{c.label}: p = {c.rule.p} of {n_pre} sources is {exact:g} connections onto each neuron, rounded to "
            f"{round(exact)}; rule=PairwiseBernoulli({c.rule.p}) keeps the mean",
        )


def links(net, c, levels, dt, stream, threads=1, wiring="dense"):
    """Return the link of a connection, and one more for its variance where the wiring is sparse.

    Parameters
    ----------
    net : Network
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
    """
    order = list(net.populations)
    ends = order.index(c.pre), order.index(c.post)
    if levels[c.pre] == levels[c.post] == "micro":
        return [_neuron_link(net, c, dt, *ends, stream(), threads)]
    mean = _population_link(net, c, dt, *ends)
    more = _variance_links(net, c, mean) if wiring == "sparse" and levels[c.post] == "meso" else []
    return [mean, *more]


def changed_link(link, c, dt):
    """Return the link of drawn connections with another weight and delay, the same for all, or as they were."""
    if not isinstance(c.weight, Distribution):
        link = replace(link, weight=c.weight, receptor=receptor(c.weight))
    if not isinstance(c.delay, Distribution):
        link = replace(link, lag=whole_steps(f"{c.label}: delay", c.delay, dt, least=1))
    return link


def is_drawn_alike(a, b):
    """Tell whether two connections between the same neurons, drawn anew, differ in nothing that is drawn."""
    values = [(one.weight, one.delay) for one in (a, b)]
    return a.rule == b.rule and all(
        one == other or not (isinstance(one, Distribution) or isinstance(other, Distribution))
        for one, other in zip(*values, strict=True)
    )


def _population_link(net, c, dt, source, target):
    """Return the link of a connection that begins or ends at a mesoscopic population."""
    density = c.rule.density(net.populations[c.pre].N, net.populations[c.post].N)
    lag = whole_steps(f"{c.label}: delay", c.delay, dt, least=1)
    return Link(source, target, lag, receptor(c.weight), c.weight * density)


def _variance_links(net, c, mean):
    """Return the link that adds up, spike by spike, the variance between neurons that comes with a mean; or none."""
    variance = c.weight * c.weight * c.rule.variance(net.populations[c.pre].N, net.populations[c.post].N)
    return [replace(mean, receptor=f"{mean.receptor} variance", weight=variance)] if variance > 0.0 else []


def sample_links(net, levels, dt):
    """Return links with the variance that comes with connections between neurons, as far as there is an equation.

    That is where connections are alike and all neurons have equally many.
    """
    index, made = {name: i for i, name in enumerate(net.populations)}, []
    for c in net.connections:
        drawn = levels[c.pre] == levels[c.post] == "micro"
        various = isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution)
        if drawn and not various and c.rule.variance(net.populations[c.pre].N, net.populations[c.post].N) is not None:
            made += _variance_links(net, c, _population_link(net, c, dt, index[c.pre], index[c.post]))
    return made


def _neuron_link(net, c, dt, source, target, stream, threads):
    """Return the link of a connection between neurons, every one drawn."""
    n_pre, n_post = net.populations[c.pre].N, net.populations[c.post].N
    various = isinstance(c.weight, Distribution) or isinstance(c.delay, Distribution)
    if is_implicit(c.rule.resolve(n_pre), c.pre == c.post) and not various:
        return Link(source, target, whole_steps(f"{c.label}: delay", c.delay, dt), receptor(c.weight), c.weight)
    first, units, order = connect(c.rule, n_pre, n_post, c.pre == c.post, stream, threads)
    random = np.random.Generator(stream)

    def draw(name, rule, unit):
        values = draw_checked(f"{c.label}: {name}", getattr(c, name), len(units), random, rule, unit)
        given_in_order = order is not None and np.ndim(values) > 0
        return values[order] if given_in_order else values

    weight, delay = draw("weight", "finite", "pA"), draw("delay", "> 0", "ms")
    weights = lags = None
    if np.ndim(weight):
        weight, weights = 1.0, np.ascontiguousarray(weight, dtype=float)
    lag = 1
    if np.ndim(delay):
        steps = np.maximum(1, np.floor(delay / dt + 0.5))
        if steps.max(initial=0) > MOST_STEPS:
            raise ValueError(f"{c.label}: delay must be <= {MOST_STEPS} steps of dt = {dt} ms, got {np.max(delay)}")
        lags = steps.astype(np.int32)
    else:
        lag = whole_steps(f"{c.label}: delay", delay, dt)
    return Link(source, target, lag, receptor(weight), weight, first, units, weights, lags)


def expand(made, n_pre, n_post, dt):
    """Return the single connections of links between two groups of neurons as a structured array."""
    pieces = []
    for link in made:
        first, units = link.first, link.units
        if first is None:
            first, units = np.arange(n_pre + 1) * n_post, np.tile(np.arange(n_post), n_pre)
        piece = np.zeros(len(units), CONNECTION)
        piece["source"] = np.repeat(np.arange(n_pre), np.diff(first))
        piece["target"] = units
        piece["weight"] = link.weight if link.weights is None else link.weight * link.weights
        piece["delay"] = dt * (link.lag if link.lags is None else link.lags)
        pieces.append(piece)
    joined = np.concatenate(pieces) if pieces else np.zeros(0, CONNECTION)
    return joined[np.argsort(joined["source"], kind="stable")]


def inputs(net, levels, dt, streams, kept):
    """Return signals and links of the inputs that all neurons of a population share, and the noise that they do not.

    Parameters
    ----------
    net : Network
    levels : dict of str to str
    dt : float, ms
    streams : callable
        ``streams(i)`` returns the bit generator of the i-th input.
    kept : dict
        Signals that have been made before and have no state, by the number of their input; completed here.
    """
    index = {name: i for i, name in enumerate(net.populations)}
    lines, made, noise = [], [], []
    for i, injection in enumerate(net.injections):
        delay = whole_steps(f"{injection.label}: delay", injection.delay, dt)
        target, stream, weight = index[injection.post], streams(i), getattr(injection.input, "weight", None)
        kind, weight = ("current", 1.0) if weight is None else (receptor(weight), weight)
        signal = _kept_signal(injection, dt, stream, kept)
        own = is_own_noise(injection.input)
        if own and levels[injection.post] == "micro":
            noise.append(NoiseLink(target, delay, kind, weight, signal, stream))
            continue
        made.append(Link(len(index) + len(lines), target, delay, kind, weight))
        if own and weight != 0.0 and injection.input.rate > 0.0:  # the mean for all, and its variance between neurons
            made.append(replace(made[-1], receptor=f"{kind} variance", weight=weight * weight))
        lines.append(signal)
    return lines, made, noise


def _kept_signal(injection, dt, stream, kept):
    """Return an input as a signal, the same as before if that has no state."""
    known, signal = kept.get(injection.number, (None, None))
    if known is not injection:
        signal = _signal(injection.input, injection.label, dt, stream)
        if not isinstance(signal, signals.PoissonCounts):
            kept[injection.number] = injection, signal
    return signal


def _signal(input, label, dt, stream):
    """Return an input as a signal on the time grid."""

    def step(name, value):
        return whole_steps(f"{label}: {name}", value, dt)

    def window():
        return step("start", input.start), signals.FOREVER if input.stop is None else step("stop", input.stop)

    match input:
        case StepCurrent():
            return signals.Piecewise(step("times", input.times), input.values)
        case DirectCurrent():
            return signals.Piecewise([0], [input.amplitude], *window())
        case Waveform():
            repeat = 1 if input.interval is None else whole_steps(f"{label}: interval", input.interval, dt, least=1)
            return signals.Samples(input.values, step("start", input.start), repeat)
        case SpikeTimes():
            return signals.Events(step("times", input.times), np.ones(len(input.times)))
        case PoissonSpikes():
            mean = 1e-3 * input.rate * dt
            if mean > MOST_EVENTS:
                raise ValueError(f"{label}: rate must be <= {MOST_EVENTS} spikes a step of {dt} ms, got {mean}")
            if input.shared:
                return signals.PoissonCounts(mean, np.random.Generator(stream), *window())
            return signals.Piecewise([0], [mean], *window())

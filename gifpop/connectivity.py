"""From connections and inputs, in ms and pA, to what the engine wires: links in steps, signals on the grid."""

import numpy as np

from gifpop import signals
from gifpop.grid import whole_steps
from gifpop.parameters import DirectCurrent, PoissonSpikes, SpikeTimes, StepCurrent, Waveform
from gifpop.plan import Link


def receptor(weight):
    """Return the synapse that the sign of a weight selects."""
    return "excitatory" if weight > 0 else "inhibitory"


def mesoscopic_links(net, dt):
    """Return a link for each connection; a spike of the source population arrives with weight p times w."""
    index = {name: i for i, name in enumerate(net.populations)}
    return [
        Link(
            index[c.pre],
            index[c.post],
            whole_steps(f"{c.label}: delay", c.delay, dt, least=1),
            receptor(c.weight),
            c.weight * c.p,
        )
        for c in net.connections
    ]


def input_lines(net, dt, streams):
    """Return signals and links of the inputs.

    Parameters
    ----------
    net : Network
    dt : float, ms
    streams : callable
        ``streams(i)`` returns the bit generator of the i-th input.
    """
    index = {name: i for i, name in enumerate(net.populations)}
    lines, links = [], []
    for i, injection in enumerate(net.injections):
        delay = whole_steps(f"{injection.label}: delay", injection.delay, dt)
        signal = _signal(injection.input, injection.label, dt, lambda i=i: np.random.Generator(streams(i)))
        weight = getattr(injection.input, "weight", None)
        kind, weight = ("current", 1.0) if weight is None else (receptor(weight), weight)
        links.append(Link(len(index) + i, index[injection.post], delay, kind, weight))
        lines.append(signal)
    return lines, links


def _signal(input, label, dt, random):
    """Return an input as a signal on the time grid."""

    def step(name, value):
        return whole_steps(f"{label}: {name}", value, dt)

    def window():
        return step("start", input.start), signals.FOREVER if input.stop is None else step("stop", input.stop)

    match input:
        case StepCurrent():
            return signals.Piecewise([step(f"times[{i}]", t) for i, t in enumerate(input.times)], input.values)
        case DirectCurrent():
            return signals.Piecewise([0], [input.amplitude], *window())
        case Waveform():
            repeat = 1 if input.interval is None else whole_steps(f"{label}: interval", input.interval, dt, least=1)
            return signals.Samples(np.repeat(input.values, repeat), step("start", input.start))
        case SpikeTimes():
            steps = [step(f"times[{i}]", t) for i, t in enumerate(input.times)]
            return signals.Events(steps, np.ones(len(steps)))
        case PoissonSpikes():
            return signals.PoissonCounts(1e-3 * input.rate * dt, random(), *window())

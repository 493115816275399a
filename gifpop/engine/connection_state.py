"""State of connections that changes with their spikes: records of synapses (`gifpop.engine.plasticity`).

It belongs to the engine, as input in transit does: each trial has its own. The time loop reads and writes the synapses
of source units in one thread, before spikes are shared out for delivery, in order of step, source and unit; those of
single connections where it delivers to their targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.engine.links import Link
    from gifpop.engine.plan import Plan


def with_state(links: Sequence[Link]) -> list[Link]:
    """Return the links that have state, in order."""
    return [link for link in links if link.plasticity is not None and link.plasticity.population is None]


def fit_states(
    links: Sequence[Link],
    plans: Sequence[Plan],
    old_links: Sequence[Link] = (),
    old_states: Sequence[Floats] = (),
    moved: Mapping[int, Integers] | None = None,
) -> list[Floats]:
    """Return the state of every link that has one: what it was, or at rest.

    A link whose plasticity has no ``synapses`` continues the old one between the same groups at the same receptor; of
    several, in order. For groups with another number of neurons, ``moved`` says whose state each of them has.
    """
    kept: dict[tuple[object, ...], list[Floats]] = {}
    for link, state in zip(with_state(old_links), old_states, strict=True):
        kept.setdefault(_ends(link), []).append(state)
    states = []
    for link in with_state(links):
        assert link.plasticity is not None
        if link.plasticity.synapses is not None:
            states.append(link.plasticity.synapses)
        elif kept.get(_ends(link)):
            state = kept[_ends(link)].pop(0)
            chosen = (moved or {}).get(link.source)
            states.append(link.plasticity.continued(state if chosen is None else state[chosen]))
        else:
            states.append(link.plasticity.at_rest(plans[link.source].units))
    return states


def _ends(link: Link) -> tuple[object, ...]:
    return link.source, link.target, link.receptor

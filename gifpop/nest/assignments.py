"""Read dicts of values: decide which value goes to which node of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.nest.errors import BadParameter
from gifpop.nest.kernel import kernel
from gifpop.nest.nodes import Assignment
from gifpop.nest.parameter import Parameter
from gifpop.nest.value_types import is_sequence

if TYPE_CHECKING:
    from gifpop.common.typing import Floats, Integers
    from gifpop.nest.nodes import Block
    from gifpop.nest.value_types import Values


def assignments(params: Values | Sequence[Values], groups: Sequence[tuple[Block, Integers]]) -> list[list[Assignment]]:
    """Return the assignments to each group of nodes.

    Parameters
    ----------
    params : dict or sequence of dict
        For all nodes, or one for each.
    groups : sequence of (Block, int array)
        Blocks and the places of the nodes in them.

    Returns
    -------
    list of list of Assignment
        One list for each group.
    """
    ends = np.cumsum([len(places) for _, places in groups]).tolist()
    starts = [0, *ends[:-1]]
    if isinstance(params, dict):
        drawn = _draw(params, ends[-1])
        return [
            [_dealt(name, value, drawn.get(name), block, start, end, ends[-1]) for name, value in params.items()]
            for (block, _), start, end in zip(groups, starts, ends, strict=True)
        ]
    return [_collected(params[start:end], block) for (block, _), start, end in zip(groups, starts, ends, strict=True)]


def dict_for_each(params: Sequence[Any], n: int) -> Sequence[Values]:
    """Return one dict for each of ``n`` nodes; repeat a single one. Refuse other numbers of dicts."""
    if not all(isinstance(each, dict) for each in params):
        raise TypeError(f"set: params must be a dict or a list of dicts, got {params!r}")
    if len(params) == 1:
        return [params[0]] * n
    if len(params) != n:
        raise BadParameter(
            f"List of dictionaries must be the same size as the NodeCollection ({n}), {len(params)} given."
        )
    return params


def _draw(params: Values, n: int) -> dict[str, Floats]:
    """Draw the values that are given as a `Parameter`."""
    recipes = {name: value for name, value in params.items() if isinstance(value, Parameter)}
    return {name: recipe.draw(n, kernel.streams.take()) for name, recipe in recipes.items()}


def _dealt(name: str, value: Any, drawn: Floats | None, block: Block, start: int, end: int, n: int) -> Assignment:
    """Return the assignment of a value of a dict to the nodes ``start`` to ``end`` of ``n``."""
    if drawn is not None and block.draws(name):
        return Assignment(name, slice(None), block.cast_drawn(name, drawn[start:end]), True)
    if not is_sequence(value) or not block.takes_one_of(name, value):
        return Assignment(name, slice(None), value, False)
    if len(value) < n:
        raise IndexError(f"{name} has {len(value)} values, which are not enough for {n} nodes")
    return Assignment(name, slice(None), value[start:end], True)


def _collected(dicts: Sequence[Values], block: Block) -> list[Assignment]:
    """Return the assignments of one dict for each node."""
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for i, values in enumerate(dicts):
        for name, value in values.items():
            if isinstance(value, Parameter) and block.draws(name):
                value = block.cast_drawn(name, value.draw(1, kernel.streams.take()))[0]
            at, values_at = found.setdefault(name, ([], []))
            at.append(i)
            values_at.append(value)
    return [Assignment(name, np.array(at), values, True) for name, (at, values) in found.items()]

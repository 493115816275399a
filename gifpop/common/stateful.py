"""Arrays that hold state: found by name in an object and its parts, copied, and filled with those of a file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

    from gifpop.common.typing import Arrays


class Stateful:
    """Base of dataclasses that hold state in arrays.

    Attributes
    ----------
    STATE : tuple of str
        Attributes that change from step to step: arrays, parts of this kind, or None.
    LASTING : tuple of str
        Arrays that do not, but depend on earlier parameters as well as on the present ones.
    """

    STATE: ClassVar[tuple[str, ...]] = ()
    LASTING: ClassVar[tuple[str, ...]] = ()

    def copy(self) -> Self:
        """Return an object with the same parameters and a state of its own."""
        parts = {name: getattr(self, name) for name in self.STATE}
        return replace(self, **{name: None if part is None else part.copy() for name, part in parts.items()})  # type: ignore[type-var]  # subclasses are dataclasses

    def state_arrays(self) -> Arrays:
        """Return the arrays that the parameters alone do not give, by name; those of parts as ``part.name``."""
        found: Arrays = {}
        for name in (*self.STATE, *self.LASTING):
            part = getattr(self, name)
            if isinstance(part, Stateful):
                found |= {f"{name}.{key}": array for key, array in part.state_arrays().items()}
            elif part is not None:
                found[name] = part
        return found


def fill(arrays: Arrays, kept: Arrays) -> None:
    """Fill arrays with the content of others that have the same names, shapes and types.

    Raises
    ------
    ValueError
        If they do not.
    """
    if arrays.keys() != kept.keys():
        raise ValueError(f"arrays must be {', '.join(sorted(arrays))}, got {', '.join(sorted(kept))}")
    for name, array in arrays.items():
        check_alike(name, kept[name], array)
        if kept[name] is not array:
            array[...] = kept[name]


def check_alike(name: str, array: object, like: npt.NDArray[Any], free: int | None = None) -> None:
    """Refuse what is not an array of the type and shape of another one; axis ``free`` may have any length."""
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    wanted: list[int | None] = list(like.shape)
    if free is not None and shape is not None and len(shape) == like.ndim:
        wanted[free] = shape[free]
    if shape is None or list(shape) != wanted or dtype != like.dtype:
        raise ValueError(f"{name} must be {like.dtype} of shape {tuple(wanted)}, got {dtype} of shape {shape}")

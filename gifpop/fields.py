"""Fields of `GIF` and of the inputs: how each is checked and stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.common import checks
from gifpop.common.brief import brief
from gifpop.common.typing import Field, Numbers, Vector
from gifpop.distributions import Distribution, scalar_or_distribution

Value: TypeAlias = Numbers | Distribution
Values: TypeAlias = Vector | Sequence[Value]


class Named(Mapping[str, float | Distribution]):
    """Values by name, in their order: a dict that cannot be changed."""

    def __init__(self, values: Mapping[str, float | Distribution]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> float | Distribution:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and list(self.items()) == list(other.items())

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {brief(value)}" for name, value in self.items()) + "}"


# Parameters are given in more forms than they are kept in. Of those that differ between neurons, which are kept as
# distributions, checkers are told the form of all others.
if TYPE_CHECKING:
    from typing_extensions import Self

    Various: TypeAlias = Field[float, Value]
    Optional: TypeAlias = Field[float | None, Value | None]
    Terms: TypeAlias = Field[tuple[float, ...], Values]
    Series: TypeAlias = Field[tuple[float, ...], Vector]
    ScalarOrSeries: TypeAlias = Field[float | tuple[float, ...], Numbers]
    ByName: TypeAlias = Field[Mapping[str, float], Mapping[str, Value]]
else:
    Various, Optional, Terms, Series = float, float | None, tuple[float, ...], tuple[float, ...]
    ScalarOrSeries = float | tuple[float, ...]
    ByName = Mapping[str, float]


# Annotations of fields name the values, not these declarations: hence Any, as of dataclasses.field.
def scalar(default: float | None, unit: str, condition: checks.Condition = "finite") -> Any:
    return field(default=default, metadata={"kind": "scalar", "unit": unit, "condition": condition})


def various(default: float | None, unit: str, condition: checks.Condition = "finite") -> Any:
    return field(default=default, metadata={"kind": "various", "unit": unit, "condition": condition})


def terms(default: tuple[float, ...], unit: str, condition: checks.Condition = "finite") -> Any:
    return field(default=default, metadata={"kind": "terms", "unit": unit, "condition": condition})


def named(unit: str, condition: checks.Condition = "finite") -> Any:
    metadata = {"kind": "named", "unit": unit, "condition": condition}
    return field(default=Named({}), metadata=metadata)


def vector(default: tuple[float, ...], unit: str, condition: checks.Condition = "finite") -> Any:
    return field(default=default, metadata={"kind": "vector", "unit": unit, "condition": condition})


def scalar_or_vector(default: float, unit: str, condition: checks.Condition = "finite") -> Any:
    return field(default=default, metadata={"kind": "scalar or vector", "unit": unit, "condition": condition})


@dataclass(frozen=True, repr=False)
class Checked:
    """Base of the frozen dataclasses that check and convert every field as it is declared."""

    def __new__(cls, *args: object, **parameters: object) -> "Self":
        known = [f.name for f in fields(cls)]
        for name in parameters:
            if name not in known:
                hint = " (tau_m = C_m / g_L)" if name == "g_L" else ""
                raise TypeError(f"{cls.__name__} has no parameter {name!r}; it has {', '.join(known)}{hint}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if "kind" in f.metadata and not (value is None and f.default is None):
                object.__setattr__(self, f.name, _checked(f"{type(self).__name__}.{f.name}", value, **f.metadata))
        self._check()

    def __repr__(self) -> str:
        values = ", ".join(f"{f.name}={brief(getattr(self, f.name))}" for f in fields(self))
        return f"{type(self).__name__}({values})"

    def _check(self) -> None:
        """Check rules for several fields."""


def _checked(where: str, value: object, kind: str, condition: checks.Condition, unit: str) -> object:
    """Return a value in the form in which a parameter of this kind is kept."""
    match kind:
        case "scalar or vector" if isinstance(value, str) or not np.iterable(value) or getattr(value, "size", 0) == 1:
            return checks.number(where, value, condition, unit)
        case "vector" | "scalar or vector":
            return tuple(checks.vector(where, value, condition, unit).tolist())
        case "terms":
            if isinstance(value, list | tuple) and any(np.ndim(v) or isinstance(v, Distribution) for v in value):
                return tuple(scalar_or_distribution(f"{where}[{i}]", v, condition, unit) for i, v in enumerate(value))
            return tuple(checks.vector(where, value, condition, unit).tolist())
        case "named":
            return Named(
                {
                    name: scalar_or_distribution(f"{where}[{name!r}]", v, condition, unit)
                    for name, v in checks.by_name(where, value).items()
                }
            )
        case "various":
            return scalar_or_distribution(where, value, condition, unit)
        case _:
            return checks.number(where, value, condition, unit)

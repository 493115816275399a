"""The options of a simulation, checked in one place.

An option that decides how a network is simulated is a field of `Options`, with its default and its check, and an
argument of `gifpop.Simulation`, which documents it. `Network.simulate`, `compare` and `sweep` pass it on and files keep
it without naming it. Type checkers read `ModelOptions` and `SimulationOptions`.
"""

# ruff: noqa: RUF009 - the function that stands for defaults returns dataclasses.field

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeAlias, TypedDict, TypeVar, get_args

from gifpop.common import checks
from gifpop.common.grid import check_dt
from gifpop.common.typing import Adaptation, FiniteSize, History, Indices, Initial, Level, Seed, Vector, Wiring
from gifpop.description import Populations, population_name
from gifpop.engine.threads import check_threads
from gifpop.meso.history import TOLERANCE

T = TypeVar("T")
PerPopulation: TypeAlias = Mapping[Any, T]  # of Population | str, which as a type would refuse dict[str, T]
Levels: TypeAlias = Level | PerPopulation[Level]
Names: TypeAlias = Sequence[str]  # "all" and "V_m" are such, too
Record: TypeAlias = Names | PerPopulation[Names] | None
Neurons: TypeAlias = int | Indices | None
RecordNeurons: TypeAlias = Neurons | PerPopulation[Neurons]
GivenCounts: TypeAlias = PerPopulation[Indices] | None
GivenSpikes: TypeAlias = PerPopulation[tuple[Vector, Indices] | list[Vector]] | None

LEVEL_NAMES: tuple[Level, ...] = get_args(Level)
OF_NEST = {"resolution": "dt", "rng_seed": "seed", "local_num_threads": "threads"}


class ModelOptions(TypedDict, total=False):
    """Options of a simulation that are the same at both levels; see `gifpop.Simulation`."""

    record: Record
    record_interval: float | None
    record_neurons: RecordNeurons
    counts: GivenCounts
    spikes: GivenSpikes
    initial: Initial
    history: History
    tolerance: float
    adaptation: Adaptation
    finite_size: FiniteSize | None
    wiring: Wiring
    smooth: bool
    network_seed: Seed


class SimulationOptions(ModelOptions, total=False):
    """All options of a simulation; see `gifpop.Simulation`."""

    dt: float
    level: Levels
    seed: Seed
    threads: int
    progress: bool | None


def check_names(where: str, given: Iterable[str]) -> None:
    """Raise TypeError for options that a simulation does not have; suggest the one that may have been meant."""
    known = sorted(SimulationOptions.__optional_keys__)
    for name in given:
        if name not in known:
            meant = [OF_NEST[name]] if name in OF_NEST else get_close_matches(name, known, 1)
            hint = f" (did you mean {meant[0]!r}?)" if meant else ""
            raise TypeError(f"{where} has no option {name!r}{hint}; it has {', '.join(known)}")


def _option(default: object, check: Callable[[str, Any], object]) -> Any:
    """Return a field: its default, and the function that checks and converts values."""
    return field(default=default, metadata={"check": check})


def _one_of(choices: object) -> Callable[[str, Any], str]:
    """Return a check that accepts the values of a Literal type."""
    return partial(checks.choice, options=get_args(choices))


def _finite_size(where: str, value: FiniteSize | None) -> FiniteSize | None:
    return None if value is None else checks.choice(where, value, get_args(FiniteSize))


def _levels(where: str, level: Levels) -> Levels:
    return dict(level) if isinstance(level, Mapping) else checks.choice(where, level, LEVEL_NAMES)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that decide how a network is simulated; `gifpop.Simulation` describes them.

    Raises
    ------
    TypeError, ValueError
        If a value violates its condition. Levels of populations are checked by `check_levels`, which knows these.
    """

    dt: float = _option(0.1, check_dt)
    level: Levels = _option("meso", _levels)
    initial: Initial = _option("fired", _one_of(Initial))
    history: History = _option("adaptive", _one_of(History))
    tolerance: float = _option(TOLERANCE, partial(checks.number, condition="in (0, 1)"))
    adaptation: Adaptation = _option("carried", _one_of(Adaptation))
    finite_size: FiniteSize | None = _option(None, _finite_size)
    wiring: Wiring = _option("dense", _one_of(Wiring))
    smooth: bool = _option(False, checks.boolean)
    threads: int = _option(1, check_threads)

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, check_option(f"Simulation.{f.name}", f.name, getattr(self, f.name)))

    @property
    def merging(self) -> float | None:
        """Tolerance of an adaptive history; None: the history is exact."""
        return self.tolerance if self.history == "adaptive" else None

    @property
    def relaxing_tolerance(self) -> float:
        """Tolerance of the adaptive histories with which neurons find their stationary state."""
        return self.merging or TOLERANCE


CHECKS: dict[str, Callable[[str, Any], Any]] = {f.name: f.metadata["check"] for f in fields(Options)}


def check_option(where: str, name: str, value: object) -> Any:
    """Return the value of an option of `Options`, checked and converted; ``where`` names it in messages."""
    return CHECKS[name](where, value)


def check_levels(populations: Populations, level: Levels) -> dict[str, Level]:
    """Return the level of each population, by name."""
    chosen: dict[str, Level | None] = per_population(populations, level, "Simulation.level", None)
    return {name: checks.choice(f"Simulation.level[{name!r}]", value, LEVEL_NAMES) for name, value in chosen.items()}


def per_population(
    populations: Populations, values: PerPopulation[T] | T | None, where: str, default: T
) -> dict[str, T]:
    """Return a dict with a value for each population, from such a dict or from one value for all."""
    if isinstance(values, Mapping):
        chosen = {population_name(populations, p, f"{where}: key"): value for p, value in values.items()}
        return {name: chosen.get(name, default) for name in populations}
    return dict.fromkeys(populations, default if values is None else values)

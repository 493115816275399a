"""The job of a worker: build, simulate and measure the network of one point."""

from __future__ import annotations

import functools
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common.remembered import computed_once
from gifpop.network import Network
from gifpop.sweeps.points import seed_of
from gifpop.sweeps.values import named_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gifpop.sweeps.points import Parameter
    from gifpop.sweeps.values import Value

try:  # comes with dask; pickles the functions of notebooks and closures, too
    from cloudpickle import dumps
except ImportError:
    from pickle import dumps


@dataclass(frozen=True)
class Outcome:
    """The ``values`` of a point, or its ``error``; neither if it was stopped or never run.

    ``interrupted``: it has raised KeyboardInterrupt.
    """

    values: dict[str, Value] | None = None
    error: str | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class Job:
    """The work at each point of a sweep: build, simulate and measure a network, with a seed derived from the root."""

    build: Callable[..., object]
    measure: Callable[[Any], object]
    simulate: dict[str, Any]
    trials: list[int] | None
    root: np.random.SeedSequence
    parameters: tuple[str, ...]

    __name__ = "sweep"  # by which dask shows it

    def __call__(self, values: Mapping[str, Parameter]) -> Outcome:
        """Return the `Outcome` of the point with these values of its parameters."""
        stage = "build"
        try:
            net = self.build(**values)
            if not isinstance(net, Network):
                raise TypeError(f"it must return a gifpop.Network, got {net!r}")
            stage = "simulate"
            options = {"threads": 1, "progress": False, **self.simulate, "seed": seed_of(self.root, values)}
            if self.trials is not None:
                options["trials"] = self.trials
            result = net.simulate(**options)
            stage = "measure"
            name = getattr(self.measure, "__name__", "value").strip("<>")  # of a lambda function
            return Outcome(values=named_values(self.measure(result), name, self.parameters))
        except KeyboardInterrupt:
            return Outcome(interrupted=True)
        except BaseException as error:  # SystemExit and its like, too, fail this point, wherever it runs
            return Outcome(error=f"{stage}: {describe(error)}")

    def __reduce__(self) -> tuple[Callable[[bytes], Job], tuple[bytes]]:
        return _load, (self._pickled,)

    @computed_once
    def _pickled(self) -> bytes:
        return dumps((self.build, self.measure, self.simulate, self.trials, self.root, self.parameters))


@functools.lru_cache(maxsize=4)
def _load(pickled: bytes) -> Job:
    """Return the job that was pickled; executors send it with each point, but it is loaded once in each process."""
    return Job(*pickle.loads(pickled))


def check_picklable(build: object, measure: object, simulate: object) -> None:
    """Raise an error for functions that cannot be sent to other processes."""
    try:
        dumps((build, measure, simulate))
    except Exception as error:
        raise TypeError(
            f"sweep: build, measure and simulate must be such that other processes can have them: {describe(error)}"
        ) from error


def describe(error: BaseException) -> str:
    """Return type and message of an error."""
    return f"{type(error).__name__}: {error}".rstrip(": ")

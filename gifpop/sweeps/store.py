"""Stores of a sweep: arrays with an entry for each point. `MemoryStore` holds them in memory, `ZarrStore` on disk."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.sweeps.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import xarray as xr

    from gifpop.sweeps.points import Grid
    from gifpop.sweeps.values import Labels, Schema

FORMAT = 1
MARK = "gifpop_sweep"  # attribute with the format
NOT_RUN, FINISHED, FAILED = "not run", "finished", "failed"


class Store(ABC):
    """The points of a sweep: status, error and values of each.

    ``attrs`` are those of the dataset; ``schema`` is the form of the values, None as long as no point has any.
    """

    def __init__(self, grid: Grid, attrs: Mapping[str, Any]) -> None:
        self.grid, self.attrs = grid, {MARK: FORMAT, **attrs}
        self.schema: Schema | None = None
        self._arrays: dict[str, Any] = {}  # numpy's or zarr's

    @abstractmethod
    def _create(self, name: str, form: Value, fill: complex | str) -> Any:
        """Return a new array of this form that holds a fill value."""

    @abstractmethod
    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset`."""

    def _make(self) -> None:
        """Make all arrays but those of values, the status last."""
        for name, values in self.grid.parameters.items():
            unit = self.grid.units[name]
            self._label(name, ((name,), values), {"units": unit} if unit else {})
        for name, fill in (("error", ""), ("status", NOT_RUN)):
            self._arrays[name] = self._create(name, self._of_points(Value((), np.array(""))), fill)

    def begin(self, schema: Schema) -> None:
        """Make the arrays of values, for points with values of this form."""
        for name, labels in schema.coords.items():
            self._label(name, labels, {})
        for name, value in schema.variables.items():
            fill = complex(math.nan, math.nan) if value.data.dtype.kind == "c" else math.nan
            self._arrays[name] = self._create(name, self._of_points(value), fill)
        self.schema = schema

    def _of_points(self, value: Value) -> Value:
        """Return the form of an array with an entry for each point; its first axes are those of the grid."""
        data = np.broadcast_to(value.data, self.grid.shape + value.data.shape)
        return Value(self.grid.dims + value.dims, data, value.attrs)

    def _label(self, name: str, labels: Labels, attrs: dict[str, Any]) -> None:
        """Make the array of a coordinate."""
        value, text = Value(*labels, attrs), labels[1].dtype.kind == "U"
        self._arrays[name] = self._create(name, value, "" if text else 0)
        self._arrays[name][...] = value.data.astype(object) if text else value.data

    def status(self) -> npt.NDArray[np.str_]:
        """Return the status of all points: array of strings."""
        return strings(self._arrays["status"])

    def errors(self) -> npt.NDArray[np.str_]:
        """Return the errors of all points: array of strings, empty for points without an error."""
        return strings(self._arrays["error"])

    def put(self, index: tuple[int, ...], values: Mapping[str, Value]) -> None:
        """Keep the values of a point."""
        for name, value in values.items():
            self._arrays[name][index] = value.data
        self._arrays["status"][index] = FINISHED

    def fail(self, index: tuple[int, ...], error: str) -> None:
        """Keep the error of a point."""
        self._arrays["error"][index] = error
        self._arrays["status"][index] = FAILED

    def forget_errors(self, of_failed: bool) -> None:
        """Clear errors of points without a written status; on demand, mark failed points to run again."""
        if of_failed:
            for index in np.argwhere(self.status() == FAILED):
                self._arrays["status"][tuple(index)] = NOT_RUN
        for index in np.argwhere((self.status() == NOT_RUN) & (self.errors() != "")):
            self._arrays["error"][tuple(index)] = ""


class MemoryStore(Store):
    """Arrays of numpy, which end with the process."""

    def __init__(self, grid: Grid, attrs: Mapping[str, Any]) -> None:
        super().__init__(grid, attrs)
        self._variables: dict[str, Any] = {}  # as xarray takes them
        self._make()

    def _create(self, name: str, form: Value, fill: complex | str) -> npt.NDArray[Any]:
        array = np.full(form.data.shape, fill, dtype=object if form.data.dtype.kind == "U" else form.data.dtype)
        self._variables[name] = form.dims, array, form.attrs
        return array

    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset`."""
        import xarray as xr

        labels = [*self.grid.dims, *(self.schema.coords if self.schema is not None else ())]
        return xr.Dataset(self._variables, attrs=self.attrs).set_coords(labels)


def strings(array: Any) -> npt.NDArray[np.str_]:
    """Return an array of strings of any type as one of numpy's fixed width."""
    return np.asarray(array[...]).astype(object).astype(str)

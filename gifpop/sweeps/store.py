"""Stores of a sweep: arrays with an entry for each point. `MemoryStore` holds them in memory, `ZarrStore` on disk."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import xarray as xr

    from gifpop.sweeps.points import Grid
    from gifpop.sweeps.values import Labels, Schema, Value

FORMAT = 1
MARK = "gifpop_sweep"  # attribute with the format
NOT_RUN, FINISHED, FAILED = "not run", "finished", "failed"


@dataclass(frozen=True)
class Layout:
    """The form of an array, and its ``labels`` if it is a coordinate.

    ``dtype`` is str for strings. The first axes of arrays with an entry for each point are those of the grid.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | type[str]
    fill: complex | str
    attrs: dict[str, Any] = field(default_factory=dict)
    labels: npt.NDArray[Any] | None = None

    @classmethod
    def of_labels(cls, labels: Labels, attrs: dict[str, Any]) -> Layout:
        """Return the layout of a coordinate."""
        dims, values = labels
        if values.dtype.kind == "U":
            return cls(dims, values.shape, str, "", attrs, values.astype(object))
        return cls(dims, values.shape, values.dtype, 0, attrs, values)


class Store(ABC):
    """The points of a sweep: status, error and values of each.

    Attributes
    ----------
    grid : Grid
    attrs : dict
        Of the dataset.
    schema : Schema or None
        The form of the values; None: no point has any yet.
    """

    def __init__(self, grid: Grid, attrs: Mapping[str, Any]) -> None:
        self.grid, self.attrs = grid, {MARK: FORMAT, **attrs}
        self.schema: Schema | None = None
        self._arrays: dict[str, Any] = {}  # numpy's or zarr's

    @abstractmethod
    def _create(self, name: str, layout: Layout) -> Any:
        """Return a new array, which holds the layout's fill value."""

    @abstractmethod
    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset`."""

    def _make(self) -> None:
        """Make all arrays but those of values, the status last."""
        for name, values in self.grid.parameters.items():
            unit = self.grid.units[name]
            self._add(name, Layout.of_labels(((name,), values), {"units": unit} if unit else {}))
        for name, fill in (("error", ""), ("status", NOT_RUN)):
            self._add(name, Layout(self.grid.dims, self.grid.shape, str, fill))

    def begin(self, schema: Schema) -> None:
        """Make the arrays of values, for points with values of this form."""
        for name, labels in schema.coords.items():
            self._add(name, Layout.of_labels(labels, {}))
        for name, (dims, shape, dtype, attrs) in schema.variables.items():
            fill = complex(math.nan, math.nan) if dtype.kind == "c" else math.nan
            self._add(name, Layout(self.grid.dims + dims, self.grid.shape + shape, dtype, fill, attrs))
        self.schema = schema

    def _add(self, name: str, layout: Layout) -> None:
        self._arrays[name] = self._create(name, layout)
        if layout.labels is not None:
            self._arrays[name][...] = layout.labels

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
        self._layouts: dict[str, Layout] = {}
        self._make()

    def _create(self, name: str, layout: Layout) -> npt.NDArray[Any]:
        self._layouts[name] = layout
        return np.full(layout.shape, layout.fill, dtype=object if layout.dtype is str else layout.dtype)

    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset`."""
        import xarray as xr

        variables: dict[bool, dict[str, Any]] = {True: {}, False: {}}
        for name, layout in self._layouts.items():
            variables[layout.labels is None][name] = layout.dims, self._arrays[name], layout.attrs
        return xr.Dataset(variables[True], variables[False], self.attrs)


def strings(array: Any) -> npt.NDArray[np.str_]:
    """Return an array of strings of any type as one of numpy's fixed width."""
    return np.asarray(array[...]).astype(object).astype(str)

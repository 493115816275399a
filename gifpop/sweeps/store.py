"""The arrays of a sweep, in memory or in a zarr group that outlives the process at any moment.

A zarr group is written by one process, in an order such that it can be continued wherever that is killed:

- zarr replaces files as a whole. What makes a group one of a sweep's, its attributes, is the first file.
- The array ``status`` is made last: a group without it holds nothing yet and is made anew.
- Each point has chunks of its own. Its status is written after its values: what says finished, is.
- Arrays of values are made when the first point has values: as long as no point is finished, they are made anew.
- A larger grid has a new group, which takes the name of the old one when all is copied.
"""

from __future__ import annotations

import math
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.sweeps.values import Form, Schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import numpy.typing as npt
    import xarray as xr

    from gifpop.sweeps.points import Grid
    from gifpop.sweeps.values import Labels, Value

FORMAT = 1
METADATA, CHUNKS, PARTIAL = "zarr.json", "c", ".partial"  # zarr's names: files of metadata, of chunks, half written
MARK = "gifpop_sweep"  # attribute with the format
NOT_RUN, FINISHED, FAILED = "not run", "finished", "failed"


class MemoryStore:
    """Numpy arrays.

    Attributes
    ----------
    grid : Grid
    attrs : dict
        Of the dataset.
    schema : Schema or None
        None: no point has values yet.
    """

    schema: Schema | None
    _arrays: dict[str, Any]  # numpy's or zarr's

    def __init__(self, grid: Grid, attrs: dict[str, Any]) -> None:
        self.grid, self.attrs, self.schema = grid, {MARK: FORMAT, **attrs}, None
        self._arrays = {}
        self._dims: dict[str, tuple[str, ...]] = {}
        self._attrs: dict[str, dict[str, Any]] = {}
        self._make()

    def _make(self) -> None:
        """Make all arrays but those of values; the status is the last one."""
        for name, values in self.grid.parameters.items():
            unit = self.grid.units[name]
            self._label(name, (name,), values, {"units": unit} if unit else {})
        for name, fill in (("error", ""), ("status", NOT_RUN)):
            self._create(name, self.grid.dims, self.grid.shape, (1,) * len(self.grid.shape), str, fill, {})

    def begin(self, schema: Schema) -> None:
        """Make the arrays of values, for points with values of this form."""
        for name, (dims, labels) in schema.coords.items():
            self._label(name, dims, labels, {})
        for name, (dims, shape, dtype, attrs) in schema.variables.items():
            chunks = (1,) * len(self.grid.shape) + tuple(max(1, size) for size in shape)
            fill = complex(math.nan, math.nan) if dtype.kind == "c" else math.nan
            self._create(name, self.grid.dims + dims, self.grid.shape + shape, chunks, dtype, fill, attrs)
        self.schema = schema

    def _label(self, name: str, dims: tuple[str, ...], labels: npt.NDArray[Any], attrs: dict[str, Any]) -> None:
        strings = labels.dtype.kind == "U"
        chunks = tuple(max(1, size) for size in labels.shape)
        self._create(name, dims, labels.shape, chunks, str if strings else labels.dtype, "" if strings else 0, attrs)
        self._arrays[name][...] = labels.astype(object) if strings else labels

    def _create(
        self,
        name: str,
        dims: tuple[str, ...],
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: np.dtype[Any] | type[str],
        fill: complex | str,
        attrs: dict[str, Any],
    ) -> None:
        self._arrays[name] = np.full(shape, fill, dtype=object if dtype is str else dtype)
        self._dims[name], self._attrs[name] = dims, attrs

    def status(self) -> npt.NDArray[np.str_]:
        """Return the status of all points: array of strings."""
        return _strings(self._arrays["status"])

    def errors(self) -> npt.NDArray[np.str_]:
        """Return the errors of all points: array of strings, empty where there is none."""
        return _strings(self._arrays["error"])

    def put(self, index: tuple[int, ...], values: Mapping[str, Value]) -> None:
        """Keep the values of a point."""
        for name, value in values.items():
            self._arrays[name][index] = value.data
        self._arrays["status"][index] = FINISHED

    def fail(self, index: tuple[int, ...], error: str) -> None:
        """Keep the error of a point."""
        self._arrays["error"][index] = error
        self._arrays["status"][index] = FAILED

    def retry(self, indices: Iterable[tuple[int, ...]]) -> None:
        """Forget that points failed; and errors of points whose status was never written."""
        for index in indices:
            self._arrays["status"][index] = NOT_RUN
        for place in np.argwhere((self.status() == NOT_RUN) & (self.errors() != "")):
            self._arrays["error"][tuple(place)] = ""

    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset`."""
        import xarray as xr

        variables = {name: (self._dims[name], a, self._attrs[name]) for name, a in self._arrays.items()}
        coords = [*self.grid.dims, *(self.schema.coords if self.schema else ())]
        return xr.Dataset(
            {n: v for n, v in variables.items() if n not in coords}, {n: variables[n] for n in coords}, self.attrs
        )


class ZarrStore(MemoryStore):
    """A zarr group in a folder.

    Parameters
    ----------
    path : pathlib.Path
        A new one, or that of a group that `check_store` has accepted.
    grid, attrs
        See `MemoryStore`.
    """

    def __init__(self, path: Path, grid: Grid, attrs: dict[str, Any]) -> None:
        import zarr  # not everybody sweeps

        self.path = path
        if _is_made(path):
            self._group = zarr.open_group(path, mode="r+", use_consolidated=False)
            self.grid, self.attrs, self.schema = grid, attrs, None
            self._arrays = {name: self._group[name] for name in (*grid.dims, "error", "status")}
            if (self.status() == FINISHED).any():
                self._find_values()
            return
        self._clear(())
        (path / METADATA).unlink(missing_ok=True)
        self._group = zarr.create_group(path, attributes={MARK: FORMAT, **attrs}, zarr_format=3)
        super().__init__(grid, attrs)

    def _clear(self, kept: Collection[str]) -> None:
        """Remove the arrays but some, whether whole or not."""
        for folder in self.path.glob("*/"):
            if folder.name not in kept and _is_array(folder):
                shutil.rmtree(folder)

    def copy(self, other: ZarrStore, source: tuple[int, ...], index: tuple[int, ...]) -> None:
        """Take over a point of another store with the same variables, the status last."""
        variables = other.schema.variables if other.schema is not None else ()
        for name in (*variables, "error", "status"):
            self._arrays[name][index] = other._arrays[name][source]

    def _find_values(self) -> None:
        """Take over arrays and form of values of the finished points."""
        n = len(self.grid.dims)
        variables: dict[str, Form] = {}
        coords: dict[str, Labels] = {}
        for name, array in self._group.arrays():
            dims = _dims(array)
            if name in self._arrays:
                continue
            self._arrays[name] = array
            if dims[:n] == self.grid.dims:
                variables[name] = Form(dims[n:], array.shape[n:], array.dtype, dict(array.attrs))
            else:
                coords[name] = dims, _labels(array)
        self.schema = Schema(variables, coords)

    def _make(self) -> None:
        super()._make()
        self._consolidate()

    def begin(self, schema: Schema) -> None:
        self._clear({*self.grid.dims, "error", "status"})
        labels = [name for name, (dims, _) in schema.coords.items() if dims != (name,)]
        if labels:
            self._group.attrs["coordinates"] = " ".join(labels)  # so that xarray knows them
        super().begin(schema)
        self._consolidate()

    def _create(
        self,
        name: str,
        dims: tuple[str, ...],
        shape: tuple[int, ...],
        chunks: tuple[int, ...],
        dtype: np.dtype[Any] | type[str],
        fill: complex | str,
        attrs: dict[str, Any],
    ) -> None:
        self._arrays[name] = self._group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=fill, dimension_names=dims, attributes=attrs
        )

    def _consolidate(self) -> None:
        """Gather what describes the arrays in one file, as xarray likes it."""
        import zarr

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
            zarr.consolidate_metadata(self.path)

    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset` that reads values when they are needed."""
        import xarray as xr

        return xr.open_zarr(self.path, chunks=None, consolidated=True, decode_times=False, decode_timedelta=False)


def check_path(store: object) -> Path:
    """Return the path of a store.

    Raises
    ------
    TypeError, ValueError
        If it is none, or that of a file.
    """
    if not isinstance(store, (str, Path)) or "://" in str(store):
        raise TypeError(f"sweep: store must be the path of a local folder, or None, got {store!r}")
    path = Path(store)
    if path.is_file():
        raise ValueError(f"sweep: store must be a folder, got the file {str(path)!r}")
    return path


def check_store(path: Path) -> tuple[Path, dict[str, Any] | None]:
    """Return the path of a store, and the attributes of the sweep that it holds, or None where it is to be made.

    Raises
    ------
    ValueError
        If the path is one that holds anything else.
    """
    if not path.exists() and MARK in _attributes(_aside(path)):  # killed just now
        _aside(path).rename(path)
    if _is_empty(path):
        return path, None
    attrs = _attributes(path)
    if MARK not in attrs:
        raise ValueError(f"sweep: store must be new or of gifpop.sweep, got {str(path)!r}, which is something else")
    if attrs[MARK] != FORMAT:
        raise ValueError(f"sweep: store must be of format {FORMAT}, got {str(path)!r} of format {attrs[MARK]}")
    if MARK in _attributes(_aside(path)):  # left by one that was killed, whose larger grid is in place
        _remove(_aside(path), path)
    return path, attrs


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a zarr group, none of anything else."""
    import zarr

    try:
        return dict(zarr.open_group(path, mode="r", use_consolidated=False).attrs)
    except Exception:
        return {}


def _is_empty(path: Path) -> bool:
    """Return whether there is nothing at a path, or a folder with nothing but what a killed process began to write."""
    return not path.exists() or (path.is_dir() and all(entry.suffix == PARTIAL for entry in path.iterdir()))


def _is_array(path: Path) -> bool:
    """Return whether a path is that of a zarr array, whole or not, and of nothing else."""
    own = (METADATA, CHUNKS)
    return path.is_dir() and all(entry.name in own or entry.suffix == PARTIAL for entry in path.iterdir())


def _remove(path: Path, heir: Path) -> None:
    """Remove a store; what else is in its folder is handed to another one. The mark goes last."""
    entries = sorted(path.iterdir(), key=lambda entry: entry.name == METADATA)
    for entry in entries:
        if _is_array(entry):
            shutil.rmtree(entry)
        elif entry.name == METADATA or entry.suffix == PARTIAL:
            entry.unlink()
        elif not (heir / entry.name).exists():
            entry.rename(heir / entry.name)
    if not any(path.iterdir()):
        path.rmdir()


def grown(old: ZarrStore, grid: Grid) -> ZarrStore:
    """Return a store of a larger grid in the place of another one, with the points of that.

    Parameters
    ----------
    old : ZarrStore
    grid : Grid
        The same parameters with all of its values, and more.

    Returns
    -------
    ZarrStore
    """
    path = old.path
    room = path.with_name(path.name + ".growing")
    for left in (room, _aside(path)):
        if not _is_empty(left) and MARK not in _attributes(left):
            raise ValueError(
                f"sweep: store {str(path)!r} must have room to grow, got {str(left)!r}, which is something else"
            )
    for left in (room, _aside(path)):
        if left.exists():
            _remove(left, path)
    new = ZarrStore(room, grid, old.attrs)
    if old.schema is not None:
        new.begin(old.schema)
    places = [
        [values.tolist().index(value) for value in old.grid.parameters[name].tolist()]
        for name, values in grid.parameters.items()
    ]
    for index in np.argwhere(old.status() != NOT_RUN):
        new.copy(old, tuple(index), tuple(place[i] for place, i in zip(places, index, strict=True)))
    path.rename(_aside(path))
    room.rename(path)
    _remove(_aside(path), path)
    return ZarrStore(path, grid, old.attrs)


def _aside(path: Path) -> Path:
    """Return where a store is while a larger one takes its place."""
    return path.with_name(path.name + ".outgrown")


def stored_parameters(path: Path) -> dict[str, npt.NDArray[Any]] | None:
    """Return the parameters of a stored sweep: dict of name to array, in order; None where it holds nothing yet."""
    import zarr

    if not _is_made(path):
        return None
    group = zarr.open_group(path, mode="r", use_consolidated=False)
    return {name: _labels(group[name]) for name in _dims(group["status"])}


def _dims(array: Any) -> tuple[str, ...]:
    """Return the names of the dimensions of a zarr array."""
    return array.metadata.dimension_names


def _is_made(path: Path) -> bool:
    """Return whether a store has all arrays but those of values."""
    return (path / "status" / METADATA).exists()


def _labels(array: Any) -> npt.NDArray[Any]:
    """Return the values of a coordinate as an array of numbers or strings."""
    return np.asarray(array[...]) if array.dtype.kind in "biufc" else _strings(array)


def _strings(array: Any) -> npt.NDArray[np.str_]:
    """Return an array of whatever strings as one of numpy's old ones."""
    return np.asarray(array[...]).astype(object).astype(str)

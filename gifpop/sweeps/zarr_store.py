"""A sweep in a zarr group, which outlives the process at any moment.

One process writes it, in an order such that it can be continued wherever that is killed:

- zarr replaces files as a whole. The first file holds the attributes, which mark the group as one of a sweep.
- The array ``status`` is made last: a group without it holds nothing yet and is made again.
- Each point has chunks of its own. Its status is written after its values.
- Arrays of values are made when the first point has values: as long as no point is finished, they are made again.
- A larger grid has a new group, which takes the name of the old one when all is copied.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.sweeps.points import Grid
from gifpop.sweeps.store import FINISHED, FORMAT, MARK, NOT_RUN, Store, strings
from gifpop.sweeps.values import Schema, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt
    import xarray as xr

    from gifpop.sweeps.values import Labels

METADATA, CHUNKS, PARTIAL = "zarr.json", "c", ".partial"  # zarr's names: files of metadata, of chunks, half written


class ZarrStore(Store):
    """A zarr group in a folder: a new one, or the one that is there.

    `stored_attributes` has accepted the path; grid and attributes are those of the group, if there is one.
    """

    def __init__(self, path: Path, grid: Grid, attrs: Mapping[str, Any]) -> None:
        import zarr  # not everybody sweeps

        super().__init__(grid, attrs)
        self.path = path
        if _is_made(path):
            self._group = zarr.open_group(path, mode="r+", use_consolidated=False)
            self._arrays = {name: self._group[name] for name in (*grid.dims, "error", "status")}
            if (self.status() == FINISHED).any():
                self._find_values()
            return
        self._clear(())
        (path / METADATA).unlink(missing_ok=True)
        self._group = zarr.create_group(path, attributes=self.attrs, zarr_format=3)
        self._make()
        self._consolidate()

    def begin(self, schema: Schema) -> None:
        """Make the arrays of values, for points with values of this form."""
        self._clear({*self.grid.dims, "error", "status"})
        labels = [name for name, (dims, _) in schema.coords.items() if dims != (name,)]
        if labels:
            self._group.attrs["coordinates"] = " ".join(labels)  # so that xarray knows them
        super().begin(schema)
        self._consolidate()

    def copy(self, other: ZarrStore, source: tuple[int, ...], index: tuple[int, ...]) -> None:
        """Take over a point of another store with the same variables, the status last."""
        variables = other.schema.variables if other.schema is not None else ()
        for name in (*variables, "error", "status"):
            self._arrays[name][index] = other._arrays[name][source]

    def dataset(self) -> xr.Dataset:
        """Return all as an `xarray.Dataset` that reads values when they are needed."""
        import xarray as xr

        return xr.open_zarr(self.path, chunks=None, consolidated=True, decode_times=False, decode_timedelta=False)

    def _create(self, name: str, form: Value, fill: complex | str) -> Any:
        n = 0 if name in self.grid.dims else sum(dim in self.grid.dims for dim in form.dims)  # a chunk for each point
        return self._group.create_array(
            name,
            shape=form.data.shape,
            chunks=(1,) * n + tuple(max(1, size) for size in form.data.shape[n:]),
            dtype=str if form.data.dtype.kind == "U" else form.data.dtype,
            fill_value=fill,
            dimension_names=form.dims,
            attributes=form.attrs,
        )

    def _clear(self, kept: Collection[str]) -> None:
        """Remove all arrays except some, including incomplete ones."""
        for folder in self.path.glob("*/"):
            if folder.name not in kept and _is_array(folder):
                shutil.rmtree(folder)

    def _find_values(self) -> None:
        """Take over arrays and form of the values of the finished points."""
        n = len(self.grid.dims)
        variables: dict[str, Value] = {}
        coords: dict[str, Labels] = {}
        for name, array in self._group.arrays():
            if name in self._arrays:
                continue
            self._arrays[name] = array
            dims = _dims(array)
            if dims[:n] == self.grid.dims:
                data = np.broadcast_to(np.zeros((), array.dtype), array.shape[n:])
                variables[name] = Value(dims[n:], data, dict(array.attrs))
            else:
                coords[name] = dims, _labels(array)
        self.schema = Schema(variables, coords)

    def _consolidate(self) -> None:
        """Gather the metadata of all arrays in one file, which xarray reads."""
        import zarr

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
            zarr.consolidate_metadata(self.path)


def check_path(store: object) -> Path:
    """Return the path of a store; raise TypeError or ValueError if it is no path, or that of a file."""
    if not isinstance(store, (str, Path)) or "://" in str(store):
        raise TypeError(f"sweep: store must be the path of a local folder, or None, got {store!r}")
    path = Path(store)
    if path.is_file():
        raise ValueError(f"sweep: store must be a folder, got the file {str(path)!r}")
    return path


def stored_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of the sweep in a store; none if the store does not exist yet.

    Raises
    ------
    ValueError
        If anything else is there.
    """
    if not path.exists() and MARK in _attributes(_aside(path)):  # killed between the two renames of `grown`
        _aside(path).rename(path)
    if _is_empty(path):
        return {}
    attrs = _attributes(path)
    if MARK not in attrs:
        raise ValueError(f"sweep: store must be new or of gifpop.sweep, got {str(path)!r}, which is something else")
    if attrs[MARK] != FORMAT:
        raise ValueError(f"sweep: store must be of format {FORMAT}, got {str(path)!r} of format {attrs[MARK]}")
    if MARK in _attributes(_aside(path)):  # killed before the end of `grown`
        _remove(_aside(path), path)
    return attrs


def stored_parameters(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the parameters of a stored sweep: dict of name to array, in order; empty for a new store."""
    import zarr

    if not _is_made(path):
        return {}
    group = zarr.open_group(path, mode="r", use_consolidated=False)
    return {name: _labels(group[name]) for name in _dims(group["status"])}


def grown(old: ZarrStore, grid: Grid) -> ZarrStore:
    """Return a store in the place of another one, whose points it takes over.

    The larger grid has the same parameters, with all values that they have in ``old``, and more.
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


def _remove(path: Path, heir: Path) -> None:
    """Remove a store, its mark last; files of the user's in its folder move to another store."""
    for entry in sorted(path.iterdir(), key=lambda entry: entry.name == METADATA):
        if _is_array(entry):
            shutil.rmtree(entry)
        elif entry.name == METADATA or entry.suffix == PARTIAL:
            entry.unlink()
        elif not (heir / entry.name).exists():
            entry.rename(heir / entry.name)
    if not any(path.iterdir()):
        path.rmdir()


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a zarr group, none of anything else."""
    import zarr

    try:
        return dict(zarr.open_group(path, mode="r", use_consolidated=False).attrs)
    except Exception:
        return {}


def _is_empty(path: Path) -> bool:
    """Return whether a path does not exist, or is a folder with only temporary files of a killed process."""
    return not path.exists() or (path.is_dir() and all(entry.suffix == PARTIAL for entry in path.iterdir()))


def _is_array(path: Path) -> bool:
    """Return whether a path is a zarr array, possibly incomplete, and nothing else."""
    own = (METADATA, CHUNKS)
    return path.is_dir() and all(entry.name in own or entry.suffix == PARTIAL for entry in path.iterdir())


def _is_made(path: Path) -> bool:
    """Return whether a store has all arrays but those of values."""
    return (path / "status" / METADATA).exists()


def _dims(array: Any) -> tuple[str, ...]:
    """Return the names of the dimensions of a zarr array."""
    return array.metadata.dimension_names


def _labels(array: Any) -> npt.NDArray[Any]:
    """Return the values of a coordinate as an array of numbers or strings."""
    return np.asarray(array[...]) if array.dtype.kind in "biufc" else strings(array)

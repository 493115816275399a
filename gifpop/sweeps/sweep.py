"""Parameter sweeps: a network simulated and measured at every point of a grid."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from gifpop.common import checks, seeds
from gifpop.common.interrupts import deferred_interrupt
from gifpop.common.warn import warn
from gifpop.engine.progress import progress_bar
from gifpop.sweeps.arguments import check_functions, check_simulate, require_packages
from gifpop.sweeps.executors import check_workers, make_workers, run_points
from gifpop.sweeps.identity import check_same, describe_seed, describe_sweep, stored_seed
from gifpop.sweeps.job import Job, check_picklable, describe
from gifpop.sweeps.lock import locked
from gifpop.sweeps.points import Grid, check_grid
from gifpop.sweeps.store import FAILED, FINISHED, NOT_RUN, MemoryStore
from gifpop.sweeps.values import Schema, mean_activity
from gifpop.sweeps.zarr_store import ZarrStore, check_path, grown, stored_attributes, stored_parameters
from gifpop.trials import check_trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path
    from typing import Literal

    import xarray as xr

    from gifpop.common.typing import Seed
    from gifpop.network import Network
    from gifpop.sweeps.executors import Client, Workers
    from gifpop.sweeps.job import Outcome
    from gifpop.sweeps.points import Parameters, Point
    from gifpop.sweeps.store import Store

logger = logging.getLogger(__name__)


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep.

    Parameters
    ----------
    data : xarray.Dataset
        What `sweep` would have returned, with the points that had finished until then.

    Attributes
    ----------
    data : xarray.Dataset
        The same.
    """

    def __init__(self, data: xr.Dataset) -> None:
        finished = int((data["status"] == FINISHED).sum())
        super().__init__(f"interrupted with {finished} of {data['status'].size} points; .data holds them")
        self.data = data

    def __reduce__(self) -> tuple[type[SweepInterrupted], tuple[xr.Dataset]]:
        return type(self), (self.data,)


def sweep(
    build: Callable[..., Network],
    parameters: Parameters,
    simulate: dict[str, Any],
    trials: int | Sequence[int] | None = None,
    seed: Seed = None,
    measure: Callable[[Any], object] = mean_activity,
    store: str | Path | None = None,
    executor: Literal["threads", "processes"] | Executor | None = None,
    client: Client | None = None,
    workers: int | None = None,
    units: Mapping[str, str] | None = None,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> xr.Dataset:
    """Simulate and measure a network at every point of a grid of parameters.

    Parameters
    ----------
    build : callable
        Function ``build(**point)``, which returns the `Network` of a point, a dict of parameter names to values.
    parameters : dict of str to sequence
        Values of each parameter: numbers, bools or strings. All combinations are simulated.
    simulate : dict
        Options of `Network.simulate`, such as ``dict(duration=1000.0, dt=0.5)``. Each point runs in one thread unless
        ``threads`` says otherwise.
    trials : int, sequence of int, or None
        Trials of each point, as `Network.simulate` takes them; None: single runs, whose results have no axis of trials.
    seed : int, sequence of int, SeedSequence, BitGenerator, Generator or None
        As `Simulation` takes it. Each point has a seed of its own, which depends on this one and on names and values of
        the point's parameters, not on the other points, their order, nor the worker. None: unpredictable; kept in the
        dataset.
    measure : callable
        Function ``measure(result)``, which returns what to keep of a point: a number, an array, a tuple
        ``(dims, data[, attrs])``, an `xarray.DataArray`, or a dict of names to such. It has the same form at all
        points. Integers and bools become floats, long doubles doubles, and masked values NaN. Of a DataArray,
        coordinates along its dimensions are kept. By default the mean activity of each population over time, Hz. It is
        called where the point runs, so that results of simulations need not travel.
    store : path or None
        Folder of a zarr store to keep the points in as they finish. If it holds this sweep already, that is continued:
        points that have finished or failed are not run again. None: in memory only.
    executor : {"threads", "processes"}, concurrent.futures.Executor or None
        What runs the points; None: threads.
    client : dask.distributed.Client or None
        Whose cluster is to run the points.
    workers : int or None
        Number of threads or processes; None: as many as this process can run at once.
    units : dict of str to str, or None
        Of parameters. Parameters named as one of `GIF`, ``weight`` or ``delay`` have gifpop's unless given here.
    retry_failed : bool
        Run the points of ``store`` again that had failed.
    progress : bool or None
        Show a progress bar; None: where standard error is a terminal, after two seconds.

    Returns
    -------
    xarray.Dataset
        A variable for each measured one, the parameters as its first dimensions, and two variables more: ``status``
        (``"finished"``, ``"failed"`` or ``"not run"``) and ``error``. Values of points that have none are NaN. With
        ``store``, values are read when they are needed; ``xarray.open_zarr(store)`` opens the same dataset.

    Raises
    ------
    ImportError
        Without xarray or zarr, which ``pip install 'gifpop[sweep]'`` brings.
    TypeError, ValueError
        For arguments that break their rules, a store of something else or one that another sweep uses, before anything
        is run.
    SweepInterrupted
        On Ctrl-C, within a second, or if `build` or `measure` raised KeyboardInterrupt; its ``data`` holds the points
        that had finished.

    Warns
    -----
    UserWarning
        If points have failed, because `build`, the simulation or `measure` raised an error there; ``error`` says which.

    Notes
    -----
    Processes and clusters need `build` and `measure` to be picklable; with cloudpickle, which comes with dask, the
    functions of notebooks and scripts are. A script that uses processes must be importable: guard it by
    ``if __name__ == "__main__":``. See docs/sweeps.md for clusters, stores and speed.

    Examples
    --------
    >>> import gifpop as gp
    >>> def build(g, I_e):
    ...     net = gp.Network()
    ...     E = net.population("E", 800, gp.GIF(I_e=I_e))
    ...     I = net.population("I", 200, gp.GIF(I_e=I_e))
    ...     for post in (E, I):
    ...         net.connect(E, post, weight=25.0, p=0.2)
    ...         net.connect(I, post, weight=-25.0 * g, p=0.2)
    ...     return net
    >>> data = gp.sweep(build, {"g": [3.0, 5.0, 7.0], "I_e": [250.0, 300.0]}, dict(duration=200.0, dt=0.5), seed=1)
    >>> dict(data.activity.sizes)
    {'g': 3, 'I_e': 2, 'population': 2}
    >>> float(data.activity.sel(g=3.0, I_e=300.0, population="E")) > 0.0
    True
    """
    require_packages(store is not None)
    grid = check_grid(parameters, units)
    check_functions(build, measure, grid)
    check_simulate(simulate, measure, trials)
    numbers = None if trials is None else check_trials(trials).tolist()
    if check_workers(executor, client, workers):
        check_picklable(build, measure, simulate)
    progress = progress if progress is None else checks.boolean("sweep: progress", progress)
    retry_failed = checks.boolean("sweep: retry_failed", retry_failed)
    about = describe_sweep(build, measure, simulate, numbers)
    path = None if store is None else check_path(store)
    with locked(path):
        points, root = _open(path, grid, about, seed)
        points.forget_errors(of_failed=retry_failed)
        job = Job(build, measure, dict(simulate), numbers, root, grid.dims)
        complete = False
        try:
            with (
                deferred_interrupt() as interrupted,
                closing(make_workers(job, executor, client, workers)) as pool,
            ):
                complete = _run(grid, points, pool, interrupted, progress)
        except KeyboardInterrupt:
            complete = False
        data = points.dataset()
    if not complete:
        raise SweepInterrupted(data)
    _warn(grid, points)
    return data


def _open(
    path: Path | None, grid: Grid, about: dict[str, int | str], seed: Seed
) -> tuple[Store, np.random.SeedSequence]:
    """Return the store and the seed of a sweep, new or to be continued."""
    attrs = {} if path is None else stored_attributes(path)
    stored = stored_parameters(path) if path is not None and attrs else {}
    if path is None or not stored:
        root = seeds.root_sequence(seed)
        attrs = {**about, **describe_seed(root)}
        return (MemoryStore(grid, attrs) if path is None else ZarrStore(path, grid, attrs)), root
    check_same(grid, about, seed, stored, attrs)
    store = ZarrStore(path, Grid(stored, grid.units), attrs)
    return (store if grid.shape == store.grid.shape else grown(store, grid)), stored_seed(attrs)


def _run(grid: Grid, store: Store, workers: Workers, interrupted: Callable[[], bool], progress: bool | None) -> bool:
    """Run the points of a store that have not been run; return whether neither Ctrl-C nor a point interrupted that."""
    todo = [grid.point(index) for index in np.argwhere(store.status() == NOT_RUN)]
    logger.info("%d of %d points to run, in %s", len(todo), grid.size, type(workers).__name__)
    writer = _Writer(store, todo)

    def stop() -> bool:
        return interrupted() or writer.interrupted

    with progress_bar(grid.size, "sweep", "point", progress) as bar, closing(run_points(todo, workers, stop)) as ended:
        bar.update(grid.size - len(todo))
        try:
            for point, outcome in ended:
                writer.take(point, outcome)
                bar.update()
        finally:
            writer.flush()
    return not stop()


class _Writer:
    """Hands outcomes to the store; ``interrupted`` once a point has raised KeyboardInterrupt.

    The first point in order that has values decides the form of those of the others, not the first one to end; outcomes
    are held back until it is known.
    """

    def __init__(self, store: Store, points: Iterable[Point]) -> None:
        self._store, self._order = store, deque(point.index for point in points)
        self._held: dict[tuple[int, ...], tuple[Point, Outcome]] = {}
        self.interrupted = False

    def take(self, point: Point, outcome: Outcome) -> None:
        """Store an outcome as soon as it can be."""
        self.interrupted |= outcome.interrupted
        self._held[point.index] = point, outcome
        while not self._begun() and self._order and self._order[0] in self._held:
            self._write(*self._held.pop(self._order.popleft()))
        if self._begun():
            self.flush()

    def flush(self) -> None:
        """Store the outcomes held back, in order."""
        for index in sorted(self._held):
            self._write(*self._held.pop(index))

    def _begun(self) -> bool:
        return self._store.schema is not None

    def _write(self, point: Point, outcome: Outcome) -> None:
        error = outcome.error
        if outcome.values is not None:
            schema = self._store.schema or Schema.of(outcome.values)
            if not self._begun():
                self._store.begin(schema)
            try:
                schema.check(outcome.values)
            except ValueError as mismatch:
                error = f"measure: {describe(mismatch)}"
            else:
                self._store.put(point.index, outcome.values)
        if error is not None:
            logger.warning("%s failed: %s", point, error)
            self._store.fail(point.index, error)


def _warn(grid: Grid, store: Store) -> None:
    """Warn of points that have no values."""
    status, errors = store.status(), store.errors()
    failed = np.argwhere(status == FAILED)
    if len(failed):
        first = tuple(failed[0])
        warn(f"sweep: {len(failed)} of {grid.size} points failed, the first at {grid.point(first)}: {errors[first]}")
    left = int((status == NOT_RUN).sum())
    if left:
        warn(f"sweep: {left} of {grid.size} points were not run, since the executor broke")

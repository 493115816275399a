"""Parameter sweeps: a network simulated and measured at every point of a grid."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import logging
from collections import deque
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from gifpop.assembly.connections import WIRINGS
from gifpop.assembly.levels import INITIAL, LEVELS
from gifpop.common import checks, seeds
from gifpop.common.grid import check_dt, whole_steps
from gifpop.common.warn import warn
from gifpop.description import ADAPTATIONS
from gifpop.engine.chunks import Bar, progress_bar
from gifpop.engine.interrupts import deferred_interrupt
from gifpop.meso.history import HISTORIES
from gifpop.network import Network
from gifpop.simulation import Simulation
from gifpop.sweeps.lock import locked
from gifpop.sweeps.points import Grid, check_grid, describe_options, describe_trials, qualified_name
from gifpop.sweeps.store import (
    FAILED,
    FINISHED,
    NOT_RUN,
    MemoryStore,
    ZarrStore,
    check_path,
    check_store,
    grown,
    stored_parameters,
)
from gifpop.sweeps.values import Schema, mean_activity
from gifpop.sweeps.workers import LOOK, Job, Outcome, check_workers, describe, make_workers, outcome_of
from gifpop.trials import check_trials
from gifpop.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from pathlib import Path
    from typing import Literal

    import numpy.typing as npt
    import xarray as xr

    from gifpop.common.typing import Seed
    from gifpop.sweeps.points import Parameters, Point
    from gifpop.sweeps.workers import Client, Workers

    Running: TypeAlias = dict[Future[Outcome], Point]

logger = logging.getLogger(__name__)

GRACE = 0.5  # s, for running points to end after Ctrl-C
WITHOUT_EFFECT = ("threads", "progress")  # on results
CHOICES = {
    "level": tuple(LEVELS),
    "initial": INITIAL,
    "history": HISTORIES,
    "adaptation": ADAPTATIONS,
    "wiring": WIRINGS,
}


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
    _require_packages()
    grid = check_grid(parameters, units)
    _check_functions(build, measure, grid)
    _check_simulate(simulate, measure, trials)
    numbers = None if trials is None else check_trials(trials).tolist()
    check_workers(executor, client, workers, (build, measure, simulate))
    progress = progress if progress is None else checks.boolean("sweep: progress", progress)
    retry_failed = checks.boolean("sweep: retry_failed", retry_failed)
    about = _describe(build, measure, simulate, numbers)
    path = None if store is None else check_path(store)
    with locked(path):
        points, root = _open(path, grid, about, seed)
        points.retry(map(tuple, np.argwhere(points.status() == FAILED)) if retry_failed else ())
        job = Job(build, measure, dict(simulate), numbers, root, grid.dims)
        pool, complete = None, False
        try:
            with deferred_interrupt() as interrupted:
                pool = make_workers(job, executor, client, workers, interrupted)
                complete = _run(grid, points, pool, interrupted, progress)
        except KeyboardInterrupt:
            complete = False
        finally:
            if pool is not None:
                pool.close(complete)
        data = points.dataset()
    if not complete:
        raise SweepInterrupted(data)
    _warn(grid, points)
    return data


def _run(grid: Grid, store: MemoryStore, pool: Workers, interrupted: Callable[[], bool], progress: bool | None) -> bool:
    """Run the points of a store that have not been run; return whether that came to its end without Ctrl-C.

    A `KeyboardInterrupt` of a point's own counts as Ctrl-C.
    """
    todo = [grid.point(index) for index in np.argwhere(store.status() == NOT_RUN)]
    logger.info("%d of %d points to run, in %s", len(todo), grid.size, type(pool).__name__)
    records = _Records(store, todo)

    def stop() -> bool:
        return interrupted() or records.interrupted

    with progress_bar(grid.size, "sweep", "point", progress) as bar:
        bar.update(grid.size - len(todo))
        queue = deque(todo)
        running: Running = {}
        try:
            while (queue or running) and not stop():
                broken = _top_up(queue, running, pool)
                lost = _collect(running, records, bar)
                if (lost or broken) and not _repair(lost, running, pool, records, bar, stop):
                    break
            if running and stop():
                _wind_up(running, pool, records)
        finally:
            if running:
                pool.stop(running)
            records.finish()
    return not stop()


def _top_up(queue: deque[Point], running: Running, pool: Workers) -> bool:
    """Hand points to the workers; return whether these are broken."""
    while queue and len(running) < pool.room:
        try:
            future = pool.submit(queue[0])
        except BrokenExecutor:
            return True
        running[future] = queue.popleft()
    return False


def _collect(running: Running, records: _Records, bar: Bar) -> list[tuple[Point, Outcome]]:
    """Take the outcomes that are there or come soon; return points and outcomes that a broken executor lost."""
    lost = []
    for future in wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).done:
        point, outcome = running.pop(future), outcome_of(future)
        if outcome.broken:
            lost.append((point, outcome))
        else:
            records.take(point, outcome)
            bar.update()
    return lost


def _repair(
    lost: list[tuple[Point, Outcome]],
    running: Running,
    pool: Workers,
    records: _Records,
    bar: Bar,
    stop: Callable[[], bool],
) -> bool:
    """Go on after a process has died: points that were under way are run one by one in new ones.

    Returns
    -------
    bool
        False where the executor cannot be replaced: then these points fail, and the others are not run.
    """
    while running and not stop():
        lost += _collect(running, records, bar)
    logger.warning("a worker died; the %d points that were under way are run one by one", len(lost))
    renewed = pool.renew(stop)
    for point, outcome in lost:
        if renewed and stop():
            outcome = Outcome()
        elif renewed:
            outcome = _run_alone(point, pool, stop)
        records.take(point, outcome)
        bar.update()
    return renewed


def _run_alone(point: Point, pool: Workers, stop: Callable[[], bool]) -> Outcome:
    """Return the outcome of a point that runs while no other does."""
    future = pool.submit(point)
    while not future.done() and not stop():
        wait([future], timeout=LOOK)
    if not future.done():
        return Outcome()
    outcome = outcome_of(future)
    if outcome.broken:
        pool.renew(stop)
    return outcome


def _wind_up(running: Running, pool: Workers, records: _Records) -> None:
    """Start nothing more, and take what ends at once."""
    pool.stop(running)
    for future in wait(running, timeout=GRACE).done:
        records.take(running.pop(future), outcome_of(future))


class _Records:
    """Hands outcomes to the store.

    The first point in order that has values, not the first one to end, decides what form those of the others must
    have; what ends before that is known is held back.

    Attributes
    ----------
    interrupted : bool
        Whether a point has raised KeyboardInterrupt.
    """

    def __init__(self, store: MemoryStore, points: Iterable[Point]) -> None:
        self._store, self._order = store, deque(points)
        self._held: dict[tuple[int, ...], Outcome] = {}
        self.interrupted = False

    def take(self, point: Point, outcome: Outcome) -> None:
        """Store an outcome as soon as it can be."""
        self.interrupted |= outcome.interrupted
        if self._begun():
            self._write(point, outcome)
            return
        self._held[point.index] = outcome
        while self._order and self._order[0].index in self._held and not self._begun():
            self._write_first()
        if self._begun():
            self.finish()

    def finish(self) -> None:
        """Store what is held back."""
        while self._order and self._held:
            if self._order[0].index in self._held:
                self._write_first()
            else:
                self._order.popleft()

    def _begun(self) -> bool:
        return self._store.schema is not None

    def _write_first(self) -> None:
        point = self._order.popleft()
        self._write(point, self._held.pop(point.index))

    def _write(self, point: Point, outcome: Outcome) -> None:
        if outcome.error is not None:
            logger.warning("%s failed: %s", point, outcome.error)
            self._store.fail(point.index, outcome.error)
        elif outcome.values is not None:
            schema = self._store.schema
            if schema is None:
                schema = Schema.of(outcome.values)
                self._store.begin(schema)
            try:
                schema.check(outcome.values)
            except ValueError as error:
                self._store.fail(point.index, f"measure: {describe(error)}")
            else:
                self._store.put(point.index, outcome.values)


def _require_packages() -> None:
    """Refuse to begin without the packages of the extra."""
    missing = [name for name in ("xarray", "zarr") if importlib.util.find_spec(name) is None]
    if not missing:
        import zarr

        if int(zarr.__version__.split(".")[0]) < 3:
            missing = ["zarr >= 3 (with Python >= 3.11)"]
    if missing:
        raise ImportError(f"gifpop.sweep needs {' and '.join(missing)}: pip install 'gifpop[sweep]'")
    importlib.import_module("xarray")  # takes a second, which is not to be that after Ctrl-C


def _check_functions(build: Callable[..., Network], measure: Callable[[Any], object], grid: Grid) -> None:
    functions: dict[str, object] = {"build": build, "measure": measure}
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"sweep: {name} must be a function, got {function!r}")
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):  # not every callable has one
        return
    try:
        signature.bind(**dict.fromkeys(grid.dims))
    except TypeError as error:
        raise TypeError(f"sweep: build must take the parameters {', '.join(grid.dims)}, got {error}") from None


def _check_simulate(simulate: object, measure: Callable[[Any], object], trials: object) -> None:
    """Refuse options that no simulation has, and those that do not go together."""
    if not isinstance(simulate, dict):
        raise TypeError(f"sweep: simulate must be a dict of options of Network.simulate, got {simulate!r}")
    for name in ("seed", "trials"):
        if name in simulate:
            raise ValueError(f"sweep: {name} must be an argument of sweep, got it in simulate")
    known = {*inspect.signature(Network.simulate).parameters, *inspect.signature(Simulation).parameters}
    known -= {"self", "net", "options", "seed", "trials"}
    for name in simulate:
        if name not in known:
            raise TypeError(f"sweep: simulate must have options among {', '.join(sorted(known))}, got {name!r}")
    if trials is None and simulate.get("keep", "all") != "all":
        raise ValueError(f"sweep: simulate['keep'] must be left out where trials is None, got {simulate['keep']!r}")
    if callable(simulate.get("keep")) and measure is mean_activity:
        raise ValueError("sweep: measure must be given where simulate['keep'] is a function, whose values it measures")
    if isinstance(simulate.get("network_seed"), np.random.Generator | np.random.BitGenerator | np.random.RandomState):
        raise ValueError("sweep: simulate['network_seed'] must not be a generator, which gives each point another")
    for name, choices in CHOICES.items():
        if isinstance(simulate.get(name), str):
            checks.choice(f"sweep: simulate[{name!r}]", simulate[name], choices)
    if "duration" not in simulate:
        raise ValueError("sweep: simulate must have a duration, in ms, got none")
    dt = check_dt("sweep: simulate['dt']", simulate.get("dt", inspect.signature(Simulation).parameters["dt"].default))
    duration = checks.number("sweep: simulate['duration']", simulate["duration"], "> 0", "ms")
    whole_steps("sweep: simulate['duration']", duration, dt)
    warmup = checks.number("sweep: simulate['warmup']", simulate.get("warmup", 0.0), ">= 0", "ms")
    if warmup > duration:
        raise ValueError(f"sweep: simulate['warmup'] must be <= duration = {duration} ms, got {warmup}")
    whole_steps("sweep: simulate['warmup']", warmup, dt)


def _describe(
    build: Callable[..., Network], measure: Callable[[Any], object], simulate: dict[str, Any], trials: list[int] | None
) -> dict[str, int | str]:
    """Return the attributes by which a stored sweep is known again."""
    options = {name: value for name, value in simulate.items() if name not in WITHOUT_EFFECT}
    about: dict[str, int | str] = {
        "gifpop_version": __version__,
        "build": qualified_name(build),
        "measure": qualified_name(measure),
        "simulate": describe_options(options),
    }
    return about if trials is None else {**about, "trials": describe_trials(trials)}


def _open(
    store: Path | None, grid: Grid, about: dict[str, int | str], seed: Seed
) -> tuple[MemoryStore, np.random.SeedSequence]:
    """Return the store and the seed of a sweep, new or to be continued."""
    if store is None:
        root = seeds.root_sequence(seed)
        return MemoryStore(grid, {**about, **_describe_seed(root)}), root
    path, attrs = check_store(store)
    stored = stored_parameters(path)
    if attrs is None or stored is None:
        root = seeds.root_sequence(seed)
        return ZarrStore(path, grid, {**about, **_describe_seed(root)}), root
    _check_same(grid, about, seed, stored, attrs)
    kept = ZarrStore(path, Grid(stored, grid.units), attrs)
    if grid.shape != kept.grid.shape:
        kept = grown(kept, grid)
    return kept, np.random.SeedSequence(json.loads(attrs["seed"]), spawn_key=json.loads(attrs["seed_spawn_key"]))


def _describe_seed(root: np.random.SeedSequence) -> dict[str, str]:
    entropy = root.entropy
    assert entropy is not None  # it is drawn where none is given
    entropy = int(entropy) if isinstance(entropy, int | np.integer) else [int(word) for word in entropy]
    return {"seed": json.dumps(entropy), "seed_spawn_key": json.dumps([int(word) for word in root.spawn_key])}


def _check_same(
    grid: Grid,
    about: dict[str, int | str],
    seed: Seed,
    stored: Mapping[str, npt.NDArray[Any]],
    attrs: Mapping[str, Any],
) -> None:
    """Refuse to continue another sweep; warn where the same one may have changed."""
    where = "sweep: store holds another sweep:"
    if tuple(stored) != grid.dims:
        raise ValueError(f"{where} its parameters are {', '.join(stored)}, now {', '.join(grid.dims)}")
    for name, values in grid.parameters.items():
        kinds = {values.dtype.kind, stored[name].dtype.kind}
        if len(kinds) > 1 and kinds != {"i", "f"}:
            raise ValueError(f"{where} its values of {name!r} are {stored[name].tolist()}, now {values.tolist()}")
        missing = stored[name][~np.isin(stored[name], values)]
        if len(missing):
            raise ValueError(f"{where} it has the value {missing[0]!s} of {name!r}, now {values.tolist()}")
        if len(values) == len(stored[name]) and not np.array_equal(values, stored[name]):
            raise ValueError(f"{where} its values of {name!r} are in the order {stored[name].tolist()}")
    asked = {**about, **({} if seed is None else _describe_seed(seeds.root_sequence(seed)))}
    for name in ("simulate", "trials", "seed", "seed_spawn_key"):
        if name in asked or name == "trials":
            before, now = attrs.get(name), asked.get(name)
            if before != now:
                raise ValueError(f"{where} its {name} is {before}, now {now}")
    for name in ("build", "measure", "gifpop_version"):
        if attrs[name] != asked[name]:
            warn(f"sweep: the store was begun with {name} = {attrs[name]}, now {asked[name]}")


def _warn(grid: Grid, store: MemoryStore) -> None:
    """Warn of points that have no values."""
    status, errors = store.status(), store.errors()
    failed = np.argwhere(status == FAILED)
    if len(failed):
        first = tuple(failed[0])
        warn(f"sweep: {len(failed)} of {grid.size} points failed, the first at {grid.point(first)}: {errors[first]}")
    left = int((status == NOT_RUN).sum())
    if left:
        warn(f"sweep: {left} of {grid.size} points were not run, since the executor broke")

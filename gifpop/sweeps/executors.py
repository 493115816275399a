"""Workers, which run the points of a sweep: its own threads or processes, or the user's executor or cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from queue import Empty, Queue
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gifpop.common import checks
from gifpop.engine.threads import processors
from gifpop.sweeps.job import Outcome, describe
from gifpop.sweeps.workers import AHEAD, Processes, Threads, WorkersError, run_unless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gifpop.sweeps.job import Job
    from gifpop.sweeps.points import Parameter, Point

    Workers: TypeAlias = Threads | Processes | "UserExecutor"
    Outcomes: TypeAlias = Generator[tuple[Point, Outcome], None, None]

LOOK = 0.05  # s, between two looks at Ctrl-C
GRACE = 0.3  # s, for running points to end after Ctrl-C
REMOTE_AHEAD = 2000  # points handed to a cluster, which may start workers for them


class Client(Protocol):
    """A source of an executor, such as a `dask.distributed.Client`."""

    def get_executor(self, *, pure: bool) -> Executor: ...


class UserExecutor:
    """An executor that the user has given, or that of a cluster, which hands points of dead workers to others."""

    def __init__(self, executor: Executor, job: Job) -> None:
        size = getattr(executor, "_max_workers", None)
        self.room = AHEAD * size if isinstance(size, int) else REMOTE_AHEAD
        self._executor, self._job, self._stopped = executor, job, threading.Event()

    def submit(self, values: Mapping[str, Parameter]) -> Future[Outcome]:
        """Return the future of the outcome of a point; RuntimeError: no more points are taken."""
        if isinstance(self._executor, ThreadPoolExecutor):
            return self._executor.submit(run_unless, self._stopped, self._job, values)
        return self._executor.submit(self._job, values)

    def stop(self) -> None:
        """End simulations in threads."""
        self._stopped.set()

    def close(self) -> None:
        """Leave the executor open."""


def make_workers(job: Job, executor: Executor | str | None, client: Client | None, workers: int | None) -> Workers:
    """Return the workers that run the points; at most one of the three is given."""
    if client is not None:
        executor = client.get_executor(pure=False)
    if isinstance(executor, Executor):
        return UserExecutor(executor, job)
    own = Processes if executor == "processes" else Threads
    return own(workers or processors(), job)


def check_workers(executor: Executor | str | None, client: Client | None, workers: int | None) -> bool:
    """Refuse bad executors, clients and numbers of workers, and more than one of them.

    Returns
    -------
    bool
        Whether points run in other processes.
    """
    if isinstance(executor, str):
        checks.choice("sweep: executor", executor, ("threads", "processes"))
    elif executor is not None and not isinstance(executor, Executor):
        raise TypeError(
            f"sweep: executor must be 'threads', 'processes' or a concurrent.futures.Executor, got {executor!r}"
        )
    if client is not None and not hasattr(client, "get_executor"):
        raise TypeError(f"sweep: client must be a dask.distributed.Client, got {client!r}")
    if client is not None and executor is not None:
        raise ValueError(f"sweep: executor must be left out where a client is given, got {executor!r}")
    if workers is not None:
        checks.integer("sweep: workers", workers, 1)
        if client is not None or isinstance(executor, Executor):
            raise ValueError(f"sweep: workers must be left out where an executor or client is given, got {workers}")
    return client is not None or executor == "processes" or isinstance(executor, ProcessPoolExecutor)


def run_points(points: Iterable[Point], workers: Workers, stop: Callable[[], bool]) -> Outcomes:
    """Yield points and their outcomes as they end; once ``stop()`` is true, those that end at once.

    Points that the workers do not take are left out.

    Raises
    ------
    WorkersError
        If no point can be run.
    """
    ended: Queue[Future[Outcome]] = Queue()  # a SimpleQueue waits for ever if its time is over when a signal is handled
    running: dict[Future[Outcome], Point] = {}
    waiting = iter(points)

    def hand_over() -> None:
        nonlocal waiting
        for point in islice(waiting, max(0, workers.room - len(running))):
            try:
                future = workers.submit(point.values)
            except RuntimeError:  # as raised by executors that are broken or were shut down
                waiting = iter(())
                return
            running[future] = point
            future.add_done_callback(ended.put)

    def take(timeout: float) -> Outcomes:
        with suppress(Empty):
            future = ended.get(timeout=timeout)
            point = running.pop(future)
            if not stop():
                hand_over()
            yield point, _outcome_of(future, stop)

    try:
        hand_over()
        while running and not stop():
            yield from take(LOOK)
    finally:
        if running:
            workers.stop()
            for future in tuple(running):
                future.cancel()
    deadline = time.monotonic() + GRACE
    while running and (left := deadline - time.monotonic()) > 0.0:
        yield from take(left)


def _outcome_of(future: Future[Outcome], stop: Callable[[], bool]) -> Outcome:
    """Return the `Outcome` of a future that is done."""
    try:
        return future.result()
    except CancelledError:  # after Ctrl-C, or by whoever closed the client or executor
        return Outcome()
    except WorkersError:
        if stop():  # Ctrl-C ends processes that are about to begin, too
            return Outcome()
        raise
    except BrokenExecutor as error:
        return Outcome(error=f"executor: {describe(error).rstrip('.')}; this point was under way")
    except BaseException as error:  # a point or outcome that cannot be sent, or whose workers died too often
        return Outcome(error=f"executor: {describe(error)}")

"""What a worker does at one point of a sweep, and the threads, processes or cluster that do it."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import signal
import threading
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gifpop.common import checks
from gifpop.common.remembered import computed_once
from gifpop.engine.interrupts import stopped_by
from gifpop.engine.threads import processors
from gifpop.network import Network
from gifpop.sweeps.points import seed_of
from gifpop.sweeps.values import named_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from multiprocessing.process import BaseProcess

    from gifpop.sweeps.points import Parameter, Point
    from gifpop.sweeps.values import Value

LOOK = 0.1  # s, between two looks at Ctrl-C
AHEAD = 2  # points handed to each local worker, so that none waits for the next
REMOTE_AHEAD = 2000  # points handed to a cluster, which is to see that more workers are of use

try:  # comes with dask; functions of notebooks and closures then reach other processes, too
    from cloudpickle import dumps
except ImportError:
    from pickle import dumps


class Client(Protocol):
    """What gives an executor, as `dask.distributed.Client` does."""

    def get_executor(self, *, pure: bool) -> Executor: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its ``values``, an ``error``, or neither where it was stopped.

    ``broken``: the executor takes no more points. ``interrupted``: it has raised KeyboardInterrupt.
    """

    values: dict[str, Value] | None = None
    error: str | None = None
    broken: bool = False
    interrupted: bool = False


@dataclass(frozen=True)
class Job:
    """What to do at each point of a sweep.

    Attributes
    ----------
    build, measure : callable
    simulate : dict
        Options of `Network.simulate`.
    trials : list of int, or None
    root : numpy.random.SeedSequence
        Of the sweep.
    parameters : tuple of str
    """

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
        except BaseException as error:  # whatever it is, it is this point that has failed, wherever it runs
            return Outcome(error=f"{stage}: {describe(error)}")

    def __reduce__(self) -> tuple[Callable[[bytes], Job], tuple[bytes]]:
        return _load, (self._pickled,)

    @computed_once
    def _pickled(self) -> bytes:
        return dumps((self.build, self.measure, self.simulate, self.trials, self.root, self.parameters))


@functools.lru_cache(maxsize=4)
def _load(pickled: bytes) -> Job:
    """Return the job that was pickled; once in each process, not once for each point."""
    return Job(*pickle.loads(pickled))


def describe(error: BaseException) -> str:
    """Return type and message of an error."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


class Workers:
    """An executor of the user's.

    Attributes
    ----------
    room : int
        Points to hand to it at a time.
    """

    def __init__(self, executor: Executor, job: Job, room: int = REMOTE_AHEAD) -> None:
        self._executor, self._job = executor, job
        self._stop = threading.Event()
        size = getattr(executor, "_max_workers", None)
        self.room = AHEAD * size if isinstance(size, int) else room

    def submit(self, point: Point) -> Future[Outcome]:
        """Return the future of a point's `Outcome`.

        Raises
        ------
        BrokenExecutor
            If the executor is broken or has been shut down.
        """
        try:
            if isinstance(self._executor, ThreadPoolExecutor | DaemonThreads):
                return self._executor.submit(_stoppable, self._stop, self._job, point.values)
            return self._executor.submit(self._job, point.values)
        except RuntimeError as error:  # BrokenExecutor is one, and what executors that were shut down raise
            raise BrokenExecutor(describe(error)) from error

    def renew(self, stop: Callable[[], bool]) -> bool:
        """Return whether a broken executor could be replaced, or would have been, had it not been to stop."""
        return False

    def stop(self, futures: Iterable[Future[Outcome]]) -> None:
        """Start nothing more, and end simulations in threads at their next look."""
        self._stop.set()
        for future in futures:
            future.cancel()

    def close(self, complete: bool) -> None:
        """Free what is this object's own; unless all is complete, without waiting for what still runs."""


class DaemonThreads(Executor):
    """Threads that the process does not wait for when it ends, whatever they do then."""

    def __init__(self, n: int, name: str) -> None:
        self._max_workers, self._closed = n, False
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"{name}_{i}", daemon=True) for i in range(n)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()

        def task() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*arguments, **named))
                except BaseException as error:
                    future.set_exception(error)

        self._tasks.put(task)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads when they have done what was handed to them, which may be cancelled; see `Executor`."""
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


class OwnThreads(Workers):
    """Threads of this process: nothing has to be pickled, and simulations run outside of Python's lock."""

    def __init__(self, n: int, job: Job) -> None:
        super().__init__(DaemonThreads(n, "sweep"), job)

    def close(self, complete: bool) -> None:
        self._executor.shutdown(wait=complete)


class OwnProcesses(Workers):
    """Processes of this machine; a process that dies is replaced."""

    _executor: ProcessPoolExecutor

    def __init__(self, n: int, job: Job, stop: Callable[[], bool]) -> None:
        self._n = n
        super().__init__(self._pool(stop), job)

    def _pool(self, stop: Callable[[], bool]) -> ProcessPoolExecutor:
        """Return new processes, as soon as there is one or they are to stop."""
        context = get_context("spawn")  # a fork would take along locks that other threads hold
        pool = ProcessPoolExecutor(self._n, context, initializer=_begin_process)
        try:
            begun = pool.submit(os.getpid)
            while not stop() and not begun.done():
                wait([begun], timeout=LOOK)
            if begun.done():
                begun.result()
        except BrokenExecutor:
            message = "sweep: no processes could be started; scripts must guard it by if __name__ == '__main__':"
            raise RuntimeError(message) from None
        return pool

    def renew(self, stop: Callable[[], bool]) -> bool:
        self._executor.shutdown()
        self._executor = self._pool(stop)
        return True

    def stop(self, futures: Iterable[Future[Outcome]]) -> None:
        """End what runs. Nothing is cancelled: the executor's thread fails on cancelled futures where processes die."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)

    def close(self, complete: bool) -> None:
        if not complete:
            for process in self._processes().values():
                process.terminate()
        self._executor.shutdown(cancel_futures=True)

    def _processes(self) -> dict[int, BaseProcess]:
        """Return the processes by their ids."""
        return dict(self._executor._processes or {})  # before Python 3.14 there is no other way


class Cluster(Workers):
    """The workers of a dask client. The scheduler hands points of workers that die to others."""

    def __init__(self, client: Client, job: Job) -> None:
        super().__init__(client.get_executor(pure=False), job)

    def close(self, complete: bool) -> None:
        self._executor.shutdown(wait=False)


def make_workers(
    job: Job, executor: Executor | str | None, client: Client | None, workers: int | None, stop: Callable[[], bool]
) -> Workers:
    """Return what runs the points: at most one of the three is given. ``stop`` says not to wait for processes."""
    if client is not None:
        return Cluster(client, job)
    if isinstance(executor, Executor):
        return Workers(executor, job)
    n = workers or processors()
    return OwnProcesses(n, job, stop) if executor == "processes" else OwnThreads(n, job)


def check_workers(
    executor: Executor | str | None, client: Client | None, workers: int | None, functions: tuple[object, ...]
) -> None:
    """Refuse executors, clients and numbers of workers that are none, or several at a time.

    ``functions`` are what is to be sent to workers in other processes.
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
    if client is not None or executor == "processes" or isinstance(executor, ProcessPoolExecutor):
        try:
            dumps(functions)
        except Exception as error:
            raise TypeError(
                f"sweep: build, measure and simulate must be such that other processes can have them: {describe(error)}"
            ) from error


def outcome_of(future: Future[Outcome]) -> Outcome:
    """Return the `Outcome` of a future that is done."""
    try:
        error = future.exception()
    except CancelledError:  # by somebody else: a client or executor that was closed
        return Outcome(broken=True)
    if error is None:
        return future.result()
    if isinstance(error, BrokenExecutor):
        return Outcome(error=f"executor: {describe(error).rstrip('.')}; this point was under way", broken=True)
    # the executor's own: what it could not send, or a point whose workers died too often
    return Outcome(error=f"executor: {describe(error)}")


def _begin_process() -> None:
    """End the simulations of this process at Ctrl-C, but not the process, and that with its parent."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, lambda *arguments: None)
    tqdm.set_lock(threading.RLock())  # its own, which nothing is left of where the process is killed
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None  # this process was started by one
    connection.wait([parent.sentinel])
    os._exit(1)


def _stoppable(stop: threading.Event, job: Job, values: Mapping[str, Parameter]) -> Outcome:
    """Do the job at one point, unless or until it is to stop."""
    with stopped_by(stop):
        return Outcome() if stop.is_set() else job(values)

"""Threads and processes of a sweep.

Each process is fed by a thread of its own, one point at a time. So where one dies it is known which point it was at, no
other point is lost with it, and the thread goes on with a new one. Executors that share a queue among their processes
break as a whole.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import Future
from multiprocessing import connection, get_context, parent_process, resource_tracker
from queue import SimpleQueue
from typing import TYPE_CHECKING

from gifpop.common.interrupts import stopped_by
from gifpop.sweeps.job import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from gifpop.sweeps.job import Job
    from gifpop.sweeps.points import Parameter

logger = logging.getLogger(__name__)

AHEAD = 2  # points handed to each worker, so that none waits for the next
ATTEMPTS = 2  # processes that a point may take down, before it fails
LEAVE = 1.0  # s, for a process to end by itself

NO_PROCESSES = "sweep: no processes could be started ({}); scripts must guard it by if __name__ == '__main__':"

CONTEXT = get_context("spawn")  # a fork would take along locks that other threads hold


class WorkersError(RuntimeError):
    """No point can be run."""


class Threads:
    """Threads of this process: nothing is pickled, and simulations run outside of Python's lock.

    They are daemons: the process can end although a point does not.
    """

    def __init__(self, n: int, job: Job) -> None:
        self.room = AHEAD * n
        self._job, self._stopped = job, threading.Event()
        self._tasks: SimpleQueue[tuple[Future[Outcome], Mapping[str, Parameter]] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"sweep_{i}", daemon=True) for i in range(n)]
        for thread in self._threads:
            thread.start()

    def submit(self, values: Mapping[str, Parameter]) -> Future[Outcome]:
        """Return the future of the outcome of a point."""
        future: Future[Outcome] = Future()
        self._tasks.put((future, values))
        return future

    def stop(self) -> None:
        """Stop simulations at their next check, and start no more."""
        self._stopped.set()

    def close(self) -> None:
        """Shut the threads down."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, values = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(self._run(values))
                except BaseException as error:
                    future.set_exception(error)

    def _run(self, values: Mapping[str, Parameter]) -> Outcome:
        return run_unless(self._stopped, self._job, values)


def run_unless(stopped: threading.Event, job: Job, values: Mapping[str, Parameter]) -> Outcome:
    """Do the job at one point in a thread, unless or until an event is set."""
    with stopped_by(stopped):
        return Outcome() if stopped.is_set() else job(values)


class Processes(Threads):
    """Processes of this machine, each fed by a thread."""

    def __init__(self, n: int, job: Job) -> None:
        self._own = threading.local()
        self._children: list[_Child] = []
        self._lock = threading.Lock()
        super().__init__(n, job)

    def stop(self) -> None:
        """Kill the processes."""
        super().stop()
        with self._lock:
            for child in self._children:
                child.process.kill()

    def close(self) -> None:
        """Shut the processes down and wait for them."""
        super().close()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        if hasattr(signal, "pthread_sigmask"):  # not in Windows
            resource_tracker.ensure_running()  # which unblocks signals
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # in processes that begin, too
        super()._work()
        if child := self._child():
            child.end()

    def _run(self, values: Mapping[str, Parameter]) -> Outcome:
        """Run a point in the process of this thread, and again in a new one if that dies."""
        cause = ""
        for _ in range(ATTEMPTS):
            child = self._child() or self._begin()
            if child is None:
                return Outcome()
            try:
                return child.run(values)
            except (EOFError, OSError):
                cause = child.end()
                self._own.child = None
                if not self._stopped.is_set():
                    logger.warning("a process died at %s: %s", values, cause)
        return Outcome() if self._stopped.is_set() else Outcome(error=f"executor: {ATTEMPTS} processes died: {cause}")

    def _child(self) -> _Child | None:
        child: _Child | None = getattr(self._own, "child", None)
        return child

    def _begin(self) -> _Child | None:
        """Return a new process of this thread; None after `stop`.

        Raises
        ------
        WorkersError
            If it died before it could run anything.
        """
        try:
            with self._lock:  # one at a time, for multiprocessing's own list of them
                if self._stopped.is_set():
                    return None
                child = _Child(self._job)
                self._children.append(child)
        except RuntimeError:  # of multiprocessing, in a process that imports a script without a guard
            raise WorkersError(NO_PROCESSES.format("this is one of them")) from None
        try:
            child.wait_until_ready()
        except (EOFError, OSError):
            cause = child.end()
            if self._stopped.is_set():
                return None
            raise WorkersError(NO_PROCESSES.format(cause)) from None
        self._own.child = child
        return child


class _Child:
    """A process that runs one point at a time."""

    def __init__(self, job: Job) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self.process: SpawnProcess = CONTEXT.Process(target=_serve, args=(theirs, job))
        self.process.start()
        theirs.close()  # so that reading from ours ends where the process does

    def wait_until_ready(self) -> None:
        self._pipe.recv()

    def run(self, values: Mapping[str, Parameter]) -> Outcome:
        """Return the outcome of a point; EOFError, OSError: the process has died."""
        self._pipe.send(values)
        outcome: Outcome = self._pipe.recv()
        return outcome

    def end(self) -> str:
        """End the process; return how it ended."""
        self._pipe.close()
        self.process.join(LEAVE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        memory = ", as where memory runs out" if -code == getattr(signal, "SIGKILL", None) else ""
        return f"killed by {signal.Signals(-code).name}{memory}"


def _serve(pipe: Connection, job: Job) -> None:
    """Run points in a process until its parent closes the connection."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    tqdm.set_lock(threading.RLock())  # one of multiprocessing's would leak where this process is killed
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send(None)
    while True:
        try:
            values = pipe.recv()
        except EOFError:
            return
        pipe.send(job(values))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None  # this process was started by one
    connection.wait([parent.sentinel])
    os._exit(1)

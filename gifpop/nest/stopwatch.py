"""Stopwatches: time spent in ``with`` blocks, added up."""

import time
from collections.abc import Callable


class Stopwatch:
    """Measure elapsed time.

    Attributes
    ----------
    seconds : float
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._began


class ProcessorStopwatch(Stopwatch):
    """Measure elapsed time and processor time, which takes too long where blocks are short.

    Parameters
    ----------
    clock : callable
        Returns the processor time, s.

    Attributes
    ----------
    cpu_seconds : float
        Processor time of all threads.
    """

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        super().__init__()
        self.cpu_seconds = 0.0
        self._clock, self._began_cpu = clock, 0.0

    def __enter__(self) -> None:
        super().__enter__()
        self._began_cpu = self._clock()

    def __exit__(self, *error: object) -> None:
        self.cpu_seconds += self._clock() - self._began_cpu
        super().__exit__(*error)

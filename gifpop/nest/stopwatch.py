"""Stopwatch: elapsed time and processor time, added up."""

import time


class Stopwatch:
    """Add up the time spent in ``with`` blocks.

    Attributes
    ----------
    seconds, cpu_seconds : float
        Elapsed time; processor time of all threads.
    """

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0
        self._began = 0.0, 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        began, began_cpu = self._began
        self.seconds += time.perf_counter() - began
        self.cpu_seconds += time.process_time() - began_cpu

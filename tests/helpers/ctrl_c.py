"""Ctrl-C in a while: for tests that must behave alike where SIGINT is ignored, as in jobs in the background."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

TASKS = Path("/proc/self/task")  # on Linux; elsewhere, all seconds count


class Stopwatch:
    """Count seconds, but not those for which threads of this process wait for a processor, on a busy machine."""

    def __init__(self):
        self.began, self.waits = time.perf_counter(), waits()

    def __call__(self):
        waited = sum(seconds - self.waits.get(thread, 0.0) for thread, seconds in waits().items())
        return time.perf_counter() - self.began - waited


def waits():
    """Return how long each thread of this process has waited for a processor, in s."""
    seconds = {}
    for file in TASKS.glob("*/schedstat"):
        try:
            seconds[file.parent.name] = int(file.read_text().split()[1]) * 1e-9
        except OSError:  # the thread has ended
            continue
    return seconds


@contextmanager
def ctrl_c(seconds, after=lambda: True):
    """Send SIGINT in a while, under Python's own handler; yield a function that returns the seconds since then.

    The while begins once ``after`` returns True.
    """
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    pressed, over = [], threading.Event()

    def press():
        while not after():
            if over.wait(0.01):
                return
        if over.wait(seconds):
            return
        pressed.append(Stopwatch())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    try:
        yield lambda: pressed[0]()
    finally:
        over.set()
        thread.join()
        signal.signal(signal.SIGINT, previous)

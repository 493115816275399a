"""Ctrl-C in a while: for tests that must behave alike where SIGINT is ignored, as in jobs in the background."""

import os
import signal
import threading
import time
from contextlib import contextmanager


@contextmanager
def ctrl_c(seconds):
    """Send SIGINT in a while, under Python's own handler; yield a function that returns the seconds since then."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    pressed = time.perf_counter() + seconds
    timer.start()
    try:
        yield lambda: time.perf_counter() - pressed
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, previous)

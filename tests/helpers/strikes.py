"""Ctrl-C and errors that strike at a chosen call."""

import os
import signal

import pytest

import gifpop as gp

DT = 0.5
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")


def press():
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def once(monkeypatch, owner, name, before):
    """Call a function before the first call of a method."""
    original, called = getattr(owner, name), []

    def patched(*arguments, **options):
        monkeypatch.setattr(owner, name, original)
        if not called:
            called.append(True)
            before()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, patched)


def fail(error=MemoryError):
    """Return a function that raises an error."""

    def raising():
        raise error("no more")

    return raising


def brunel(**options):
    """Return a simulation of Brunel's network."""
    return gp.Simulation(gp.models.brunel(), **{"dt": DT, "seed": 1, "progress": False, **options})

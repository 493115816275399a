"""The plain algorithm in C (`loops.c`), compiled at import."""

import ctypes
import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.programs.plain import Recorded, generators, mesoscopic, microscopic, most_spikes

integer = ctypes.c_int64
SOURCE = Path(__file__).with_name("loops.c")
OPTIMIZE = ["-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]


def compile_loops():
    """Compile the loops for this processor and load them; an OSError where there is no compiler or it fails."""
    random = Path(np.__file__).parent / "random" / "lib"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    includes = [f"-I{np.get_include()}", f"-I{sysconfig.get_paths()['include']}"]
    npymath = Path(np.get_include()).parent / "lib"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "loops.so"
        command = [
            *compiler,
            *OPTIMIZE,
            "-shared",
            "-fPIC",
            *includes,
            str(SOURCE),
            "-o",
            str(path),
            f"-L{random}",
            f"-L{npymath}",
            "-lnpyrandom",
            "-lnpymath",
            "-lm",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"{done.stderr}\nof {' '.join(command)}")
        loaded = ctypes.CDLL(str(path))
    loaded.advance_neurons.restype = ctypes.c_int64
    return loaded


LOOPS = compile_loops()


def build(net, dt, level, seed):
    """Return a function of a duration in ms that simulates on and returns `Recorded`."""
    streams, wiring = generators(net, seed)
    if level == "meso":
        arrays = mesoscopic(net, dt)
        simulate = simulate_populations
    else:
        arrays = microscopic(net, dt, sort_by_source, streams, wiring)
        simulate = simulate_neurons
    structure = structure_of(arrays)
    pointers = (ctypes.c_void_p * len(streams))(*(r.bit_generator.ctypes.bit_generator.value for r in streams))
    done = 0

    def run(duration):
        nonlocal done
        steps = round(duration / dt)
        recorded = simulate(arrays, structure, pointers, done, steps)
        done += steps
        return recorded

    run.arrays, run.streams = arrays, streams  # kept alive, as C has only pointers to them
    return run


def simulate_populations(arrays, structure, streams, first_step, steps):
    shape = (steps, len(arrays.populations))
    counts, mean = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    LOOPS.advance_populations(
        structure,
        integer(shape[1]),
        integer(len(arrays.sent)),
        streams,
        integer(first_step),
        integer(steps),
        pointer(counts),
        pointer(mean),
    )
    return Recorded(counts, mean)


def simulate_neurons(arrays, structure, streams, first_step, steps):
    counts = np.zeros((steps, len(arrays.populations)), dtype=np.int64)
    fired = np.empty(most_spikes(arrays.populations, steps), dtype=np.int32)
    lag, neurons = arrays.ring_ex.shape
    n = LOOPS.advance_neurons(
        structure,
        integer(counts.shape[1]),
        integer(len(arrays.projections)),
        integer(neurons),
        integer(lag),
        streams,
        integer(first_step),
        integer(steps),
        pointer(counts),
        pointer(fired),
    )
    return Recorded(counts, fired=fired[:n])


def sort_by_source(sources, n_pre):
    """Return where each source begins, and the indices of ``sources`` in their order."""
    starts, order = np.empty(n_pre + 1, dtype=np.int64), np.empty(len(sources), dtype=np.int32)
    LOOPS.sort_by_source(pointer(sources), integer(len(sources)), integer(n_pre), pointer(starts), pointer(order))
    return starts, order


def structure_of(arrays):
    """Return the C structure of pointers to arrays."""
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)

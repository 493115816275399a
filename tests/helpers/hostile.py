"""Files that somebody has made to do harm: every field of a saved simulation with every value that may hurt.

As a program, ``hostile.py FILE FIRST STOP STRIDE``, loads and runs such simulations one after the other and writes the
number of each before it begins: whatever kills the process is the work of the last one.
"""

import contextlib
import io
import itertools
import json
import os
import sys
import warnings

import numpy as np

import gifpop as gp
from gifpop.saving import archive, snapshot
from tests.helpers.state import network_of

SECONDS = 60  # for one file, on a busy machine
BYTES = 4 * 2**30  # of address space

NESTED = None
for _ in range(900):
    NESTED = [NESTED]
JSON = (
    0,
    -1,
    1,
    7,
    2**31,
    2**53,
    2**63 - 5,
    2**64,
    -(2**70),
    1e19,
    0.5,
    -1e-3,
    5e-324,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    None,
    "x",
    [],
    [1, 2],
    NESTED,
    {},
    {"int": hex(2**200)},
    {"tuple": []},
    {"tuple": [1, 2]},
    {"range": [0, 2**62, 1]},
    {"range": [-9, 9, 1]},
    {"scalar": ["<V100000000000", 1]},
    {"scalar": ["<f8", 1.0]},
    {"same": 1},
    {"same": 3},
    {"dict": [[-1, 1]]},
    {"float": "nan"},
    {"floats": "groups.2-3E.V_m"},
    {"array": "groups.I.sfa"},
)
NUMBERS = (0, -1, 1, 7, 64, 2**31 - 1, 2**53, 2**63 - 5, -(2**63), 0.5, 1e19, 5e-324, 1e300, np.nan, np.inf, -np.inf)
SHAPES = {
    "empty": lambda a: a[..., :0],
    "shorter": lambda a: a[..., :-1],
    "longer": lambda a: np.concatenate([a, a[..., -1:]], -1),
    "fewer rows": lambda a: a[1:],
    "more rows": lambda a: np.concatenate([a, a[-1:]]),
    "flat": lambda a: a.reshape(-1),
    "one more axis": lambda a: a[np.newaxis],
    "a number": lambda a: a.reshape(-1)[0],
    "transposed": lambda a: a.T,
    "by columns": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "reversed": lambda a: np.flip(a).copy(),
    "permuted": lambda a: np.random.default_rng(1).permuted(a),
    "other bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "single": lambda a: a.astype("f4"),
    "integers": lambda a: a.astype("i8"),
    "complex": lambda a: a.astype("c16"),
    "text": lambda a: a.astype("U9"),
    "raw": lambda a: a.view("V4"),
    "halves": lambda a: a.view("i4"),
}


class Original:
    """A file, and everything that could be done to it."""

    def __init__(self, path):
        with np.load(path) as npz:
            self.arrays = {name: npz[name] for name in npz.files if name != archive.DOCUMENT}
            self.text = npz[archive.DOCUMENT].item()
        kinds = self._of_json, self._of_numbers, self._of_shapes, self._of_bits, self._of_pairs
        self.mutations = [mutation for of_kind in kinds for mutation in of_kind()]

    def _document(self):
        return json.loads(self.text)["simulation"]

    def _of_json(self):
        places = range(len(list(nodes(self._document()))))
        return itertools.product(["json"], places, range(len(JSON)))

    def _of_numbers(self):
        for name, array in self.arrays.items():
            for field in array.dtype.names or (None,):
                yield from itertools.product(["number"], [(name, field)], range(len(NUMBERS)), ["first", "last", "all"])

    def _of_shapes(self):
        return itertools.product(["shape"], self.arrays, SHAPES)

    def _of_bits(self):
        return itertools.product(["bits"], self.arrays, range(6))

    def _of_pairs(self):
        """One array in the place of another one of the same kind."""
        kinds = {name: (array.dtype, array.shape) for name, array in self.arrays.items()}
        for one, other in itertools.permutations(self.arrays, 2):
            if kinds[one] == kinds[other]:
                yield "same", one, other

    def mutated(self, mutation):
        """Return JSON and arrays with one thing changed."""
        document, arrays = self._document(), {name: array.copy() for name, array in self.arrays.items()}
        getattr(self, f"_change_{mutation[0]}")(document, arrays, *mutation[1:])
        return document, arrays

    def _change_json(self, document, arrays, place, value):
        container, key = next(itertools.islice(nodes(document), place, None))
        container[key] = json.loads(json.dumps(JSON[value]))

    def _change_number(self, document, arrays, place, value, where):
        name, field = place
        array = arrays[name] if field is None else arrays[name][field]
        with np.errstate(all="ignore"):
            number = np.asarray(NUMBERS[value]).astype(array.dtype)
        if array.size:
            array.reshape(-1)[{"first": 0, "last": -1, "all": slice(None)}[where]] = number

    def _change_shape(self, document, arrays, name, shape):
        arrays[name] = SHAPES[shape](arrays[name])

    def _change_bits(self, document, arrays, name, seed):
        content = arrays[name].reshape(-1).view(np.uint8)
        if content.size:
            random = np.random.default_rng(seed)
            content[random.integers(content.size, size=3)] ^= np.uint8(1 << random.integers(8))

    def _change_same(self, document, arrays, one, other):
        text = json.dumps(document).replace(f'{{"array": "{one}"}}', f'{{"array": "{other}"}}')
        document.clear()
        document.update(json.loads(text))


def nodes(document):
    """Yield container and key of everything in a document."""
    if isinstance(document, dict | list):
        for key in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, key
            yield from nodes(document[key])


def load(document, arrays):
    """Return the simulation that a file with this content would give."""
    with archive.damage_reported("it"), np.errstate(all="ignore"):
        return gp.Simulation._restored(snapshot.restored(document, arrays, threads=1), False)


def exercise(sim):
    """Do with a simulation what may be done; errors are not what matters here."""
    first = next(iter(network_of(sim).populations))
    state = sim._state
    for action in (
        lambda: sim.run(20 * sim.dt),
        sim.result,
        lambda: sim.set(first, I_e=400.0),
        lambda: sim.run(20 * sim.dt),
        lambda: sim.set(first, N=9),
        lambda: sim.run(2 * sim.dt),
        lambda: sim.set(network_of(sim).connections[0], weight=-1.0),
        lambda: sim.run(2 * sim.dt),
        lambda: snapshot.copied(state),
        sim.reset,
        lambda: sim.run(20 * sim.dt),
        lambda: repr(sim),
        sim.result,
    ):
        with contextlib.suppress(Exception):
            action()


def main(path, first, stop, stride):
    import faulthandler
    import signal

    faulthandler.enable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # what hangs is killed, and seen
    if "asan" not in os.environ.get("LD_PRELOAD", ""):  # which takes terabytes of addresses
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    original, loaded, out = Original(path), 0, io.FileIO(1, "w", closefd=False)
    for i in range(int(first), min(int(stop), len(original.mutations)), int(stride)):
        out.write(b"%d %s\n" % (i, repr(original.mutations[i]).encode()))
        signal.alarm(SECONDS)
        try:
            content = original.mutated(original.mutations[i])
        except (ValueError, TypeError, IndexError):  # a change that numpy does not know for this array
            continue
        try:
            sim = load(*content)
        except (ValueError, MemoryError):
            continue
        loaded += 1
        exercise(sim)
    out.write(b"done: %d loaded of %d\n" % (loaded, len(original.mutations)))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Vectors of the innermost loops, for each instruction set and width: a small C program against the same in numpy.

Instruction sets that this processor lacks are tested where their width can be had in plain vector code, and other
processors where a cross compiler and an emulator are installed.
"""

import decimal
import functools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gifpop
from gifpop.engine import instruction_set

HEADERS = [Path(gifpop.__file__).parent / "engine", Path(__file__).parents[2] / "gifpop" / "engine"]
SOURCE = Path(__file__).parents[1] / "helpers" / "lanes.c"
ARM = {"compiler": "aarch64-linux-gnu-gcc", "launcher": ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]}
AVX2 = ["-mavx2", "-mfma"]
AVX512 = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma"]
VARIANTS = {
    "baseline": {"needs": "baseline"},
    "avx2": {"needs": "avx2", "flags": AVX2, "lanes": 4},
    "avx512": {"needs": "avx512", "flags": AVX512, "lanes": 8},
    "one lane": {"flags": ["-DGP_LANES=1"], "lanes": 1},
    "portable": {"flags": ["-DGP_PORTABLE", "-std=c99", "-pedantic-errors"], "lanes": 1},
    "plain, two lanes": {"flags": ["-DGP_LANES=2"], "lanes": 2},
    "plain, four lanes": {"flags": ["-DGP_LANES=4"], "lanes": 4},
    "plain, eight lanes": {"flags": ["-DGP_LANES=8"], "lanes": 8},
    "plain, eight lanes in AVX2": {"needs": "avx2", "flags": [*AVX2, "-DGP_LANES=8"], "lanes": 8},
    "clang": {"compiler": "clang"},
    "clang, avx2": {"compiler": "clang", "needs": "avx2", "flags": AVX2, "lanes": 4},
    "clang, avx512": {"compiler": "clang", "needs": "avx512", "flags": AVX512, "lanes": 8},
    "arm64": {**ARM, "lanes": 2},
}


class Lanes:
    """The functions of one variant, from arrays to arrays."""

    def __init__(self, folder, needs=None, flags=(), lanes=None, compiler="cc", launcher=()):
        if needs and needs not in instruction_set.available():
            pytest.skip(f"this processor has no {needs}")
        for tool in (compiler, *launcher[:1]):
            if not shutil.which(tool):
                pytest.skip(f"{tool} is not installed")
        header = next((folder for folder in HEADERS if (folder / "_lanes.h").exists()), None)
        if header is None:
            pytest.skip("the source of the compiled loops is not here")
        self.command = [*launcher, str(folder / "lanes")]
        options = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"]
        subprocess.run([compiler, *options, *flags, f"-I{header}", "-o", self.command[-1], SOURCE], check=True)
        self.width = int(self("lanes")[0])
        assert lanes in (None, self.width)

    def __call__(self, function, values=()):
        values = np.asarray(values, dtype=float)
        assert len(values) % 8 == 0 and len(values) <= 65536
        output = subprocess.run([*self.command, function], input=values.tobytes(), capture_output=True, check=True)
        return np.frombuffer(output.stdout)

    def groups(self, values):
        return np.reshape(values, (-1, self.width))


@pytest.fixture(scope="module", params=VARIANTS)
def lanes(request, tmp_path_factory):
    return Lanes(tmp_path_factory.mktemp("lanes"), **VARIANTS[request.param])


def rounded(exact):
    """Return numbers of 40 digits as the sum of two doubles, the nearest one and the rest."""
    nearest = np.array([float(x) for x in exact])
    return nearest, np.array([float(x - decimal.Decimal(n)) for x, n in zip(exact, nearest.tolist(), strict=True)])


def ulps(actual, nearest, rest):
    """Distance from numbers of 40 digits, in units of the last place of a double."""
    return np.abs((actual - nearest) - rest) / np.spacing(np.abs(nearest))


@pytest.fixture(scope="module", autouse=True)
def forty_digits():
    with decimal.localcontext(prec=40):
        yield


BASES = {"exp": decimal.Decimal(1), "exp2": decimal.Decimal(2).ln(decimal.Context(prec=50))}  # logarithms


# The exact numbers take longer than a program: they are the same for all variants.


def exact_powers(name, x):
    return rounded([(decimal.Decimal(y) * BASES[name]).exp() for y in x.tolist()])


@functools.cache
def powers_up_to(name, largest):
    """Return even and random exponents and their exact powers."""
    random = np.random.default_rng(1).uniform(-largest, largest, 2000)
    x = np.concatenate((np.linspace(-largest, largest, 2000), random))
    return x, *exact_powers(name, x)


@functools.cache
def powers_at_the_seams(name):
    """Half way between two powers of two, where the rest is largest and may round either way."""
    seams = (np.arange(-800, 800) + 0.5) * np.log(2.0) / float(BASES[name])
    x = np.concatenate((np.nextafter(seams, -np.inf), seams, np.nextafter(seams, np.inf)))
    return x, *exact_powers(name, x)


@functools.cache
def saturated_up_to(largest):
    p = np.concatenate((np.linspace(0.0, largest, 2000), np.random.default_rng(2).uniform(0.0, largest, 2000)))
    return p, *rounded([expm1_series(decimal.Decimal(y)) for y in p.tolist()])


def expm1_series(p):
    """1 - exp(-p) of p <= 0.25 to 40 digits, without cancellation."""
    term, sum = p, decimal.Decimal(0)
    for n in range(2, 32):
        sum += term
        term *= -p / n
    return sum


@pytest.mark.parametrize("largest", [1e-3, 0.4, 20.0, 600.0])
@pytest.mark.parametrize("name", BASES)
def test_exponentials_within_two_ulp(name, largest, lanes):
    x, *exact = powers_up_to(name, largest)
    assert np.max(ulps(lanes(name, x), *exact)) < 2.0


@pytest.mark.parametrize("name", BASES)
def test_exponentials_at_the_seams_of_the_polynomial(name, lanes):
    x, *exact = powers_at_the_seams(name)
    assert np.max(ulps(lanes(name, x), *exact)) < 2.0


@pytest.mark.parametrize(("name", "limit"), [("exp", 600.0), ("exp2", 865.0)])
def test_exponentials_are_clamped_and_keep_nan(name, limit, lanes):
    x = np.array([-np.inf, -1e300, -1.01 * limit, 1.01 * limit, 1e300, np.inf, np.nan, -0.0])
    low, high = getattr(np, name)([-limit, limit])
    assert_allclose(lanes(name, x), [low, low, low, high, high, high, np.nan, 1.0], rtol=1e-15, atol=0)


@pytest.mark.parametrize("largest", [1e-300, 1e-9, 0.01, 0.25])
def test_saturate_within_two_ulp(lanes, largest):
    p, *exact = saturated_up_to(largest)
    assert np.max(ulps(lanes("saturate", p), *exact)) < 2.0


def numbers():
    """Random numbers around the limits of `helpers/lanes.c`, with the limits themselves and what is not finite among them."""
    x = np.random.default_rng(3).normal(0.0, 1.5, 4000)
    special = [-1.0, 0.5, 2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, np.nextafter(0.5, 1.0), np.nextafter(0.5, 0.0)]
    x[::40] = np.resize(special, 100)
    return x


def test_compare_and_choose(lanes):
    x = numbers()
    assert_array_equal(lanes("clamp", x), np.clip(x, -1.0, 2.0))
    assert_array_equal(lanes("larger", x), np.where(x > 0.5, x, 0.5))
    assert_array_equal(lanes("smaller", x), np.where(x < 0.5, x, 0.5))
    assert_array_equal(lanes("above", x), np.where(x > 0.5, 10.0 * x, 1.0 + x))


def test_any_above(lanes):
    """One lane is enough, whichever."""
    x = np.full(8 * 8, -1.0)
    x[np.arange(8) * 9] = 0.6
    for values in (x, numbers(), np.full(8, 0.5), np.full(8, np.nan)):
        expected = np.repeat(np.any(lanes.groups(values) > 0.5, axis=1), lanes.width)
        assert_array_equal(lanes("any_above", values), expected)


def test_scale(lanes):
    n = np.arange(-1000.0, 1000.0)
    assert_array_equal(lanes("scale", n), np.ldexp(1.5, n.astype(int)))


def test_sums(lanes):
    """Small integers, so that every order of summation is exact."""
    x = np.random.default_rng(4).integers(-1000, 1000, 800).astype(float)
    result = lanes("before", x)
    sums = 3.0 + np.concatenate(([0.0], np.cumsum(x)))
    assert_array_equal(result[: len(x)], sums[:-1])
    assert_array_equal(result[len(x) :], np.full(lanes.width, sums[-1]))
    assert_array_equal(lanes("sum", x), np.repeat(np.sum(lanes.groups(x), axis=1), lanes.width))


def test_processor_is_recognized():
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        pytest.skip("no /proc/cpuinfo")
    expected = {
        "avx512": {"avx2", "fma", "avx512f", "avx512dq", "avx512vl"} <= flags,
        "avx2": {"avx2", "fma"} <= flags,
        "baseline": True,
    }
    assert instruction_set.available() == tuple(name for name, has in expected.items() if has)


@pytest.mark.parametrize("flags", [AVX2, AVX512])
def test_flags_are_those_of_the_build(flags):
    setup = Path(__file__).parents[2] / "setup.py"
    if not setup.exists():
        pytest.skip("setup.py is not here")
    assert ", ".join(f'"{flag}"' for flag in flags) in setup.read_text()

"""Build the compiled modules; everything else about the package is in pyproject.toml."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

NUMPY_LIBRARIES = [
    os.path.join(os.path.dirname(np.__file__), "random", "lib"),
    os.path.join(os.path.dirname(np.get_include()), "lib"),
]
MSVC = sys.platform == "win32"
LIBRARIES = ["npyrandom", "npymath"] + ([] if MSVC else ["m"])

# No -ffast-math: at link time it would switch the user's whole process to flush denormals.
OPTIMIZE = [] if MSVC else ["-O3", "-fno-math-errno", "-fno-trapping-math"]

# The innermost loops are compiled from one source for each of these, and chosen at import. GIFPOP_ISA names one to
# build alone, which saves time.
INSTRUCTION_SETS = {"baseline": []}
if platform.machine() in ("x86_64", "AMD64") and not MSVC:
    INSTRUCTION_SETS["avx2"] = ["-mavx2", "-mfma"]
    INSTRUCTION_SETS["avx512"] = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mfma"]
if os.environ.get("GIFPOP_ISA"):
    INSTRUCTION_SETS = {name: flags for name, flags in INSTRUCTION_SETS.items() if name == os.environ["GIFPOP_ISA"]}


MODULES = (
    "_core",
    "common._numbers",
    *(f"engine.{name}" for name in ("_delivery", "_dispatch", "_loop", "_relays", "_team", "_trains")),
    "meso._meso",
    "micro._micro",
    "wiring._wiring",
)


def compiles(*flags, source="int main(void) { return 0; }"):
    """Whether the compiler knows these flags and makes a program of this source."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program")
        with open(f"{program}.c", "w") as file:
            file.write(source + "\n")
        command = [*compiler, *flags, f"{program}.c", "-o", program]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:  # no compiler: nothing is compiled now
            return False


def innermost():
    """Return the flags for the innermost loops that the compiler knows.

    With gcc, short stores of zeros stay stores, as a call of memset would take longer, and loops over up to 14 moments
    of adaptation are unrolled. Clang unrolls them once it has inlined them: up to twice as fast.
    """
    gcc = ["-fno-tree-loop-distribute-patterns"], ["--param=max-completely-peeled-insns=3000"]
    clang = (["-mllvm", "-inline-threshold=10000"],)
    return [] if MSVC else [flag for flags in (*gcc, *clang) if compiles("-Werror", *flags) for flag in flags]


def extension(name, flags=(), source=None):
    """Describe one compiled module of the package, linked with numpy's random library."""
    return Extension(
        f"gifpop.{name}",
        [source or f"gifpop/{name.replace('.', '/')}.pyx"],
        include_dirs=[np.get_include(), "gifpop/engine"],
        library_dirs=NUMPY_LIBRARIES,
        libraries=LIBRARIES,
        extra_compile_args=[*OPTIMIZE, *flags],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    )


def variants():
    """Describe the innermost loops once for each instruction set, each from a copy of the one source."""
    folder = os.path.join("build", "variants")
    os.makedirs(folder, exist_ok=True)
    for instruction_set, flags in INSTRUCTION_SETS.items():
        copied = os.path.join(folder, f"_variant_{instruction_set}.pyx")
        shutil.copy2("gifpop/engine/_variant.pyx", copied)
        yield extension(f"engine._variant_{instruction_set}", [*innermost(), *flags], copied)


setup(
    ext_modules=cythonize(
        [
            *map(extension, MODULES),
            *variants(),
        ],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
        },
    ),
    options={"build_ext": {"parallel": True}},  # as many compilers as there are processors
)

"""Select the variant of the innermost loops; list those that the processor can run."""

from cpython.pycapsule cimport PyCapsule_GetPointer

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__) && !defined(GP_PORTABLE)
    #define GP_HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    #define GP_HAS_AVX512 (GP_HAS_AVX2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") \\
                           && __builtin_cpu_supports("avx512vl"))
    #else
    #define GP_HAS_AVX2 0
    #define GP_HAS_AVX512 0
    #endif
    """
    bint HAS_AVX2 "GP_HAS_AVX2"
    bint HAS_AVX512 "GP_HAS_AVX512"


def supported_instruction_sets():
    """Return the names of the instruction sets that this processor has, best first."""
    best_first = (("avx512", HAS_AVX512), ("avx2", HAS_AVX2), ("baseline", True))
    return tuple(name for name, has in best_first if has)


def use(table):
    """Call the loops of a table, ``LOOPS`` of a module compiled from ``_variant.pyx``, from now on."""
    global loops
    loops = (<Loops *> PyCapsule_GetPointer(table, TABLE))[0]

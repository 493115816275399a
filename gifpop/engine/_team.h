/* What threads need to share work: the C side of _team.pyx.

   Atomic numbers with sequentially consistent operations, by GNU's builtins, MSVC's intrinsics or standard C (with
   -DGP_PORTABLE), a hint to the processor that it is waiting, and a clock. */

#ifndef GP_TEAM_H
#define GP_TEAM_H

#include <stdint.h>

#if defined(_WIN32)
  #define WIN32_LEAN_AND_MEAN
  #define NOMINMAX
  #include <windows.h>
#else
  #include <time.h>
#endif

#if (defined(__GNUC__) || defined(__clang__)) && !defined(GP_PORTABLE)

typedef struct { int64_t value; } gp_atomic;

static inline int64_t gp_read(gp_atomic *a) { return __atomic_load_n(&a->value, __ATOMIC_SEQ_CST); }
static inline void gp_write(gp_atomic *a, int64_t x) { __atomic_store_n(&a->value, x, __ATOMIC_SEQ_CST); }
static inline int64_t gp_add(gp_atomic *a, int64_t x) { return __atomic_add_fetch(&a->value, x, __ATOMIC_SEQ_CST); }

static inline int gp_replace(gp_atomic *a, int64_t old, int64_t x)
{
    return __atomic_compare_exchange_n(&a->value, &old, x, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#elif defined(_MSC_VER)

#include <intrin.h>

typedef struct { volatile __int64 value; } gp_atomic;

static inline int64_t gp_read(gp_atomic *a) { return _InterlockedOr64(&a->value, 0); }
static inline void gp_write(gp_atomic *a, int64_t x) { _InterlockedExchange64(&a->value, x); }
static inline int64_t gp_add(gp_atomic *a, int64_t x) { return _InterlockedExchangeAdd64(&a->value, x) + x; }

static inline int gp_replace(gp_atomic *a, int64_t old, int64_t x)
{
    return _InterlockedCompareExchange64(&a->value, x, old) == old;
}

#else

#include <stdatomic.h>

typedef struct { _Atomic int64_t value; } gp_atomic;

static inline int64_t gp_read(gp_atomic *a) { return atomic_load(&a->value); }
static inline void gp_write(gp_atomic *a, int64_t x) { atomic_store(&a->value, x); }
static inline int64_t gp_add(gp_atomic *a, int64_t x) { return atomic_fetch_add(&a->value, x) + x; }

static inline int gp_replace(gp_atomic *a, int64_t old, int64_t x)
{
    return atomic_compare_exchange_strong(&a->value, &old, x);
}

#endif

/* Wait for some tens of nanoseconds: the processor saves power, or works for the other thread of its core. */
static inline void gp_pause(void)
{
#if defined(_WIN32)
    YieldProcessor();
#elif defined(GP_PORTABLE) || !(defined(__GNUC__) || defined(__clang__))
    /* nothing */
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");
#endif
}

/* ns, from some time on, never backwards */
static inline int64_t gp_now(void)
{
#if defined(_WIN32)
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)(1e9 * (double)ticks.QuadPart / (double)frequency.QuadPart);
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
#endif
}

#endif

#pragma once
#include <dlfcn.h>
#include <openblas-pthread/cblas.h>

// Whether this machine runs each of the matrix library's kernels. The compiler's runtime also checks that the operating
// system saves the wide registers, which CPUID alone does not tell.

static inline int lockstep_cpu_runs_nehalem(void) {
    return __builtin_cpu_supports("sse4.2");
}

static inline int lockstep_cpu_runs_sandybridge(void) {
    return __builtin_cpu_supports("avx");
}

static inline int lockstep_cpu_runs_haswell(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline int lockstep_cpu_runs_skylakex(void) {
    return lockstep_cpu_runs_haswell() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512cd");
}

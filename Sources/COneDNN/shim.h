#pragma once
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl_types.h>
#include <oneapi/dnnl/dnnl_version.h>

#if DNNL_VERSION_MAJOR != 2
#error "The convolutions are written for oneDNN 2: install its headers (Debian 12's libdnnl-dev)."
#endif

// Whether this machine runs each kernel. The compiler's runtime also checks that the operating system saves the wide
// registers, which CPUID alone does not tell.

static inline int lockstep_cpu_runs_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline int lockstep_cpu_runs_avx512(void) {
    return lockstep_cpu_runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512cd");
}

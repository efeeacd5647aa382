#include "products.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,fma"))), apply_to = function)

#define LANES 16
#define NAMED(name) name##_avx512
typedef __m512 vector;

static inline __mmask16 first_lanes(long count) {
    return (__mmask16)((1u << count) - 1);
}

static inline vector zero(void) {
    return _mm512_setzero_ps();
}

static inline vector load(const float *from) {
    return _mm512_loadu_ps(from);
}

static inline vector load_some(const float *from, long count) {
    return _mm512_maskz_loadu_ps(first_lanes(count), from);
}

static inline void store(float *to, vector value) {
    _mm512_storeu_ps(to, value);
}

static inline void store_some(float *to, vector value, long count) {
    _mm512_mask_storeu_ps(to, first_lanes(count), value);
}

static inline vector repeat(const float *from) {
    return _mm512_set1_ps(*from);
}

static inline vector multiply_add(vector a, vector b, vector sum) {
    return _mm512_fmadd_ps(a, b, sum);
}

static inline float add_lanes(vector value) {
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(value), _mm512_extractf32x8_ps(value, 1));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

#include "products-body.h"

#pragma clang attribute pop
#endif

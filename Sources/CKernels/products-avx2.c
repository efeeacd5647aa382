#include "products.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define NAMED(name) name##_avx2
typedef __m256 vector;

static inline __m256i first_lanes(long count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vector zero(void) {
    return _mm256_setzero_ps();
}

static inline vector load(const float *from) {
    return _mm256_loadu_ps(from);
}

static inline vector load_some(const float *from, long count) {
    return _mm256_maskload_ps(from, first_lanes(count));
}

static inline void store(float *to, vector value) {
    _mm256_storeu_ps(to, value);
}

static inline void store_some(float *to, vector value, long count) {
    _mm256_maskstore_ps(to, first_lanes(count), value);
}

static inline vector repeat(const float *from) {
    return _mm256_broadcast_ss(from);
}

static inline vector multiply_add(vector a, vector b, vector sum) {
    return _mm256_fmadd_ps(a, b, sum);
}

static inline float add_lanes(vector value) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// The sums of four vectors, each as add_lanes adds it.
static inline void add_lanes_of_four(const vector *values, float *totals) {
    const vector a = values[0], b = values[1], c = values[2], d = values[3];
    // Halves of a and b, then of c and d: four lanes of each.
    const vector ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    const vector cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    const vector two = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
    // a and c in the lower half, b and d in the upper one.
    const vector one = _mm256_add_ps(two, _mm256_movehdup_ps(two));
    const __m256i firsts = _mm256_setr_epi32(0, 4, 2, 6, 0, 0, 0, 0);
    _mm_storeu_ps(totals, _mm256_castps256_ps128(_mm256_permutevar8x32_ps(one, firsts)));
}

// Sixteen registers.
#define DOT_BANDS DOT_BAND(1, 8) DOT_BAND(2, 5) DOT_BAND(3, 3) DOT_BAND(4, 3) DOT_BAND(5, 2)
#define WIDE 2

// `scale * bytes` of eight bytes.
static inline vector scaled_bytes(const unsigned char *bytes, float scale) {
    const __m256i integers = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(integers), _mm256_set1_ps(scale));
}

#include "products-body.h"

#pragma clang attribute pop
#endif

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

// The sums of four vectors, each as add_lanes adds it.
static inline void add_lanes_of_four(const vector *values, float *totals) {
    const vector a = values[0], b = values[1], c = values[2], d = values[3];
    // Quarters of a and b, then of c and d: eight lanes of each.
    const vector ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
    const vector cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));
    const vector four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));
    const vector two = _mm512_add_ps(four, _mm512_permute_ps(four, 0xEE));
    const vector one = _mm512_add_ps(two, _mm512_movehdup_ps(two));
    const __m512i firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm_storeu_ps(totals, _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, one)));
}

// Thirty-two registers; five rows by five columns would fit, too, but not as the compiler lays them out.
#define DOT_BANDS DOT_BAND(1, 8) DOT_BAND(2, 8) DOT_BAND(3, 6) DOT_BAND(4, 5) DOT_BAND(5, 3)
#define WIDE 4

// `scale * bytes` of sixteen bytes.
static inline vector scaled_bytes(const unsigned char *bytes, float scale) {
    const __m512i integers = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(integers), _mm512_set1_ps(scale));
}

#include "products-body.h"

#pragma clang attribute pop
#endif

#include "elementwise.h"

#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Plain loops: the compiler vectorises them for each of these processors.
#if defined(__x86_64__)
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

FOR_EVERY_PROCESSOR
void lockstep_apply_exponential(float *values, long count) {
    for (long i = 0; i < count; i++) values[i] = lockstep_exponential(values[i]);
}

FOR_EVERY_PROCESSOR
void lockstep_apply_sigmoid(float *values, long count) {
    for (long i = 0; i < count; i++) values[i] = 1.0f / (1.0f + lockstep_exponential(-values[i]));
}

FOR_EVERY_PROCESSOR
void lockstep_multiply_by_sigmoid_slope(float *restrict delta, const float *restrict a, long count) {
    for (long i = 0; i < count; i++) delta[i] *= a[i] * (1.0f - a[i]);
}

FOR_EVERY_PROCESSOR
void lockstep_accumulate(const float *restrict values, float *restrict sum, long count) {
    for (long i = 0; i < count; i++) sum[i] += values[i];
}

FOR_EVERY_PROCESSOR
static void add_apart(const float *restrict left, const float *restrict right, float *restrict sum, long count) {
    for (long i = 0; i < count; i++) sum[i] = left[i] + right[i];
}

void lockstep_add(const float *left, const float *right, float *sum, long count) {
    if (sum == left)
        lockstep_accumulate(right, sum, count);
    else
        add_apart(left, right, sum, count);
}

FOR_EVERY_PROCESSOR
void lockstep_add_row(const float *restrict values, float *restrict matrix, long rows, long columns) {
    for (long row = 0; row < rows; row++, matrix += columns) {
        for (long i = 0; i < columns; i++) matrix[i] += values[i];
    }
}

FOR_EVERY_PROCESSOR
void lockstep_add_rows(const float *restrict matrix, long rows, long columns, float *restrict sums) {
    for (long row = 0; row < rows; row++, matrix += columns) {
        for (long i = 0; i < columns; i++) sums[i] += matrix[i];
    }
}

FOR_EVERY_PROCESSOR
void lockstep_scale_bytes(const unsigned char *restrict bytes, float scale, float *restrict floats, long count) {
    for (long i = 0; i < count; i++) floats[i] = (float)bytes[i] * scale;
}

// The bits of a number without its sign: as integers they are ordered like the numbers, with infinity and, above it, all
// that are no numbers at the end.
static inline uint32_t magnitude(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7FFFFFFF;
}

static const uint32_t infinity = 0x7F800000;

FOR_EVERY_PROCESSOR
_Bool lockstep_descend(
    const float *restrict current, const float *restrict sum, float scale, float *restrict next, long count) {
    uint32_t largest = 0;
    for (long i = 0; i < count; i++) {
        const float product = scale * sum[i];
        const float value = current[i] - product;
        next[i] = value;
        largest = magnitude(value) > largest ? magnitude(value) : largest;
    }
    return largest < infinity;
}

FOR_EVERY_PROCESSOR
_Bool lockstep_all_finite(const float *values, long count) {
    uint32_t largest = 0;
    for (long i = 0; i < count; i++) largest = magnitude(values[i]) > largest ? magnitude(values[i]) : largest;
    return largest < infinity;
}

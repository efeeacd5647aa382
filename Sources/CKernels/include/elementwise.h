#pragma once

#include <stdint.h>

/// The element loops that a training step spends most time in, compiled for several processors: the program picks the
/// version with the widest vectors when it starts.
///
/// An element's result depends on its operands alone and no product is fused with an addition, so all versions give the
/// same bits. Pointers do not overlap, except where a function says that two may be equal.

/// exp(x) without libm, branches or fused products: the compiler vectorises loops over it, and the bits are the same on
/// every processor.
///
/// Relative error at most 1.2e-7 for -87 <= x <= 88.37; below -87 the result is exp(-87) = 1.6e-38, from 88.38 on it is
/// infinity. NaN stays NaN.
///
/// exp(x) = 2^k exp(t) where k = round(x / ln 2) and t = x - k ln 2 lies within [-ln 2 / 2, ln 2 / 2]; exp(t) is the
/// polynomial of Moshier's Cephes (`expf.c`), and ln 2 is split so that k times its high part is exact.
static inline float lockstep_exponential(float x) {
#pragma STDC FP_CONTRACT OFF
    // At 89 k becomes 128 and 2^k infinity. Comparisons in this direction let NaN through.
    const float lower = x < -87.0f ? -87.0f : x;
    const float z = lower > 89.0f ? 89.0f : lower;
    // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
    const float magic = 0x1.8p23f;
    const float shifted = z * 1.44269504f + magic;
    const float k = shifted - magic;
    const float t = z - k * 0.693359375f + k * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * t + 1.3981999507e-3f;
    p = p * t + 8.3334519073e-3f;
    p = p * t + 4.1665795894e-2f;
    p = p * t + 1.6666665459e-1f;
    p = p * t + 5.0000001201e-1f;
    p = p * t * t + t + 1.0f;
    const union { float number; unsigned bits; } integer = {.number = shifted};
    const union { unsigned bits; float number; } power = {.bits = (integer.bits + 127) << 23};
    return p * power.number;
}

/// `values = exp(values)`; see lockstep_exponential.
void lockstep_apply_exponential(float *values, long count);

/// `values = 1 / (1 + exp(-values))`.
void lockstep_apply_sigmoid(float *values, long count);

/// `delta *= a (1 - a)`.
void lockstep_multiply_by_sigmoid_slope(float *delta, const float *a, long count);

/// `products = left * right`; the three do not overlap.
void lockstep_multiply(const float *left, const float *right, float *products, long count);

/// `sum += values`.
void lockstep_accumulate(const float *values, float *sum, long count);

/// `sum = left + right`; `sum` may be `left`.
void lockstep_add(const float *left, const float *right, float *sum, long count);

/// `matrix[rows, columns] += values[columns]` in every row, row-major.
void lockstep_add_row(const float *values, float *matrix, long rows, long columns);

/// `sums[columns] += matrix[rows, columns]`, row by row, row-major.
void lockstep_add_rows(const float *matrix, long rows, long columns, float *sums);

/// `floats = scale * bytes`.
void lockstep_scale_bytes(const unsigned char *bytes, float scale, float *floats, long count);

/// Whether all elements are finite.
_Bool lockstep_all_finite(const float *values, long count);

/// The sum of the elements' bit patterns, modulo 2^32: it does not depend on their order, and one changed bit changes it.
uint32_t lockstep_sum_bits(const float *values, long count);

/// The sum of the elements' squares, in double: element i is added in lane i modulo 8, and the lanes are added in pairs. So the
/// bits do not depend on vector widths.
double lockstep_sum_squares(const float *values, long count);

/// `scaled = scale * values`; `scaled` may be `values`.
void lockstep_scale(const float *values, float scale, float *scaled, long count);

/// `clamped = values`, but at most `limit` and at least `-limit`; NaN stays NaN. `clamped` may be `values`.
void lockstep_clamp(const float *values, float limit, float *clamped, long count);

/// What an update has seen of the memory that it reads and writes. Sums are those of `lockstep_sum_bits`.
struct lockstep_update_check {
    /// The largest magnitude that was written, as bits: at least infinity's if a number is not finite.
    uint32_t largest;
    /// Of `current` and of `next`.
    uint32_t weights_read, weights_written;
    /// Of the optimizer's memory, before the update and after it.
    uint32_t state_read, state_written;
};

// Updates of the weights. `sum` may be `next`.

/// `next = current - scale * sum`.
struct lockstep_update_check lockstep_descend(
    const float *current, const float *sum, float scale, float *next, long count);

/// `next = current - rate * d` with `d = mean * sum + decay * current`.
struct lockstep_update_check lockstep_descend_decaying(
    const float *current, const float *sum, float mean, float decay, float rate, float *next, long count);

/// `velocity = momentum * velocity + d` with d as above, then `next = current - rate * velocity` or, if `nesterov`,
/// `next = current - rate * (d + momentum * velocity)`.
struct lockstep_update_check lockstep_descend_with_momentum(
    const float *current, const float *sum, float mean, float decay, float momentum, float rate, _Bool nesterov,
    float *velocity, float *next, long count);

/// What all elements of a step of Adam share.
struct lockstep_adam_coefficients {
    /// 1 / m.
    float mean;
    float beta1, one_minus_beta1, beta2, one_minus_beta2;
    /// eta / (1 - beta1^t).
    float rate;
    /// 1 / sqrt(1 - beta2^t).
    float root_scale;
    float epsilon;
};

/// With `g = mean * sum`: `first = beta1 * first + one_minus_beta1 * g`, `second = beta2 * second + one_minus_beta2 * g²`,
/// then `next = decay * current - rate * (first / (sqrt(second) * root_scale + epsilon))`.
struct lockstep_update_check lockstep_adam_step(
    const float *current, const float *sum, struct lockstep_adam_coefficients c, float decay, float *first, float *second,
    float *next, long count);

/// What all elements of a step of RMSprop share.
struct lockstep_rmsprop_coefficients {
    /// 1 / m.
    float mean;
    float alpha, one_minus_alpha;
    float epsilon;
    float momentum;
    float rate;
};

/// With `g = mean * sum + decay * current`: `square = alpha * square + one_minus_alpha * g²`, then
/// `next = current - rate * (g / (sqrt(square) + epsilon))`.
struct lockstep_update_check lockstep_rmsprop_step(
    const float *current, const float *sum, struct lockstep_rmsprop_coefficients c, float decay, float *square,
    float *next, long count);

/// The same with momentum: `velocity = momentum * velocity + g / (sqrt(square) + epsilon)`, then
/// `next = current - rate * velocity`.
struct lockstep_update_check lockstep_rmsprop_step_with_momentum(
    const float *current, const float *sum, struct lockstep_rmsprop_coefficients c, float decay, float *square,
    float *velocity, float *next, long count);

/// `average = decay * average + one_minus_decay * values`; the average counts as the optimizer's memory.
struct lockstep_update_check lockstep_update_average(
    const float *values, float decay, float one_minus_decay, float *average, long count);

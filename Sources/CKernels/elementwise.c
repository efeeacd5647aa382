#include "elementwise.h"

#include <stdint.h>
#include <string.h>

#include "clones.h"

#pragma STDC FP_CONTRACT OFF

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
void lockstep_multiply(const float *restrict left, const float *restrict right, float *restrict products, long count) {
    for (long i = 0; i < count; i++) products[i] = left[i] * right[i];
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

static inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// The bits of a number without its sign. As integers they have the order of the magnitudes: infinity is above all finite
// numbers, and NaNs are above infinity.
static inline uint32_t magnitude(float value) {
    return bits_of(value) & 0x7FFFFFFF;
}

static inline uint32_t larger(uint32_t left, uint32_t right) {
    return left > right ? left : right;
}

static const uint32_t infinity = 0x7F800000;

FOR_EVERY_PROCESSOR
_Bool lockstep_all_finite(const float *values, long count) {
    uint32_t largest = 0;
    for (long i = 0; i < count; i++) largest = larger(largest, magnitude(values[i]));
    return largest < infinity;
}

FOR_EVERY_PROCESSOR
uint32_t lockstep_sum_bits(const float *values, long count) {
    uint32_t sum = 0;
    for (long i = 0; i < count; i++) sum += bits_of(values[i]);
    return sum;
}

FOR_EVERY_PROCESSOR
double lockstep_sum_squares(const float *values, long count) {
    enum { lanes = 8 };
    double sums[lanes] = {0};
    const long whole = count - count % lanes;
    for (long i = 0; i < whole; i += lanes) {
        for (int lane = 0; lane < lanes; lane++) {
            const double value = values[i + lane];
            sums[lane] += value * value;
        }
    }
    for (long i = whole; i < count; i++) {
        const double value = values[i];
        sums[i - whole] += value * value;
    }
    for (int width = lanes / 2; width > 0; width /= 2) {
        for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
    }
    return sums[0];
}

// An update reads an element before it writes it, and touches no other element: so `sum` may be `next`. What it checks
// are sums and maxima of integers, which the compiler vectorises as it likes: they have no order.
#define ELEMENT_BY_ELEMENT _Pragma("clang loop vectorize(assume_safety)")

FOR_EVERY_PROCESSOR
void lockstep_scale(const float *values, float scale, float *scaled, long count) {
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) scaled[i] = scale * values[i];
}

FOR_EVERY_PROCESSOR
void lockstep_clamp(const float *values, float limit, float *clamped, long count) {
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        // Comparisons in these directions let NaN through.
        const float upper = values[i] > limit ? limit : values[i];
        clamped[i] = upper < -limit ? -limit : upper;
    }
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_descend(
    const float *current, const float *sum, float scale, float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float value = current[i] - scale * sum[i];
        read += bits_of(current[i]);
        next[i] = value;
        written += bits_of(value);
        largest = larger(largest, magnitude(value));
    }
    return (struct lockstep_update_check){.largest = largest, .weights_read = read, .weights_written = written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_descend_decaying(
    const float *current, const float *sum, float mean, float decay, float rate, float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float value = current[i] - rate * (mean * sum[i] + decay * current[i]);
        read += bits_of(current[i]);
        next[i] = value;
        written += bits_of(value);
        largest = larger(largest, magnitude(value));
    }
    return (struct lockstep_update_check){.largest = largest, .weights_read = read, .weights_written = written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_descend_with_momentum(
    const float *current, const float *sum, float mean, float decay, float momentum, float rate, _Bool nesterov,
    float *velocity, float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0, state_read = 0, state_written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float d = mean * sum[i] + decay * current[i];
        const float v = momentum * velocity[i] + d;
        const float value = current[i] - rate * (nesterov ? d + momentum * v : v);
        read += bits_of(current[i]);
        state_read += bits_of(velocity[i]);
        velocity[i] = v;
        next[i] = value;
        state_written += bits_of(v);
        written += bits_of(value);
        largest = larger(largest, magnitude(value));
    }
    return (struct lockstep_update_check){largest, read, written, state_read, state_written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_adam_step(
    const float *current, const float *sum, struct lockstep_adam_coefficients c, float decay, float *first, float *second,
    float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0, state_read = 0, state_written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float g = c.mean * sum[i];
        const float m = c.beta1 * first[i] + c.one_minus_beta1 * g;
        const float v = c.beta2 * second[i] + c.one_minus_beta2 * (g * g);
        const float value =
            decay * current[i] - c.rate * (m / (__builtin_elementwise_sqrt(v) * c.root_scale + c.epsilon));
        read += bits_of(current[i]);
        state_read += bits_of(first[i]) + bits_of(second[i]);
        first[i] = m;
        second[i] = v;
        next[i] = value;
        state_written += bits_of(m) + bits_of(v);
        written += bits_of(value);
        // An infinite v hides in the weight: m / infinity is 0.
        largest = larger(largest, larger(magnitude(value), magnitude(v)));
    }
    return (struct lockstep_update_check){largest, read, written, state_read, state_written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_rmsprop_step(
    const float *current, const float *sum, struct lockstep_rmsprop_coefficients c, float decay, float *square,
    float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0, state_read = 0, state_written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float g = c.mean * sum[i] + decay * current[i];
        const float v = c.alpha * square[i] + c.one_minus_alpha * (g * g);
        const float value = current[i] - c.rate * (g / (__builtin_elementwise_sqrt(v) + c.epsilon));
        read += bits_of(current[i]);
        state_read += bits_of(square[i]);
        square[i] = v;
        next[i] = value;
        state_written += bits_of(v);
        written += bits_of(value);
        // An infinite v hides in the weight, as in Adam's step.
        largest = larger(largest, larger(magnitude(value), magnitude(v)));
    }
    return (struct lockstep_update_check){largest, read, written, state_read, state_written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_rmsprop_step_with_momentum(
    const float *current, const float *sum, struct lockstep_rmsprop_coefficients c, float decay, float *square,
    float *velocity, float *next, long count) {
    uint32_t largest = 0, read = 0, written = 0, state_read = 0, state_written = 0;
    ELEMENT_BY_ELEMENT
    for (long i = 0; i < count; i++) {
        const float g = c.mean * sum[i] + decay * current[i];
        const float v = c.alpha * square[i] + c.one_minus_alpha * (g * g);
        const float u = c.momentum * velocity[i] + g / (__builtin_elementwise_sqrt(v) + c.epsilon);
        const float value = current[i] - c.rate * u;
        read += bits_of(current[i]);
        state_read += bits_of(square[i]) + bits_of(velocity[i]);
        square[i] = v;
        velocity[i] = u;
        next[i] = value;
        state_written += bits_of(v) + bits_of(u);
        written += bits_of(value);
        largest = larger(largest, larger(magnitude(value), magnitude(v)));
    }
    return (struct lockstep_update_check){largest, read, written, state_read, state_written};
}

FOR_EVERY_PROCESSOR
struct lockstep_update_check lockstep_update_average(
    const float *restrict values, float decay, float one_minus_decay, float *restrict average, long count) {
    uint32_t read = 0, written = 0;
    for (long i = 0; i < count; i++) {
        const float value = decay * average[i] + one_minus_decay * values[i];
        read += bits_of(average[i]);
        average[i] = value;
        written += bits_of(value);
    }
    return (struct lockstep_update_check){.state_read = read, .state_written = written};
}

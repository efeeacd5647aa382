#include "images.h"

#include <math.h>
#include <string.h>

#include "clones.h"

#pragma STDC FP_CONTRACT OFF

static inline long smaller(long left, long right) {
    return left < right ? left : right;
}

// The processor's instruction, which rounds correctly.
static inline double square_root(double x) {
    return __builtin_elementwise_sqrt(x);
}

struct span {
    long start, end;
};

// The part of a window that lies within an image.
static inline struct span window(long start, long length, long size) {
    return (struct span){start < 0 ? 0 : start, smaller(start + length, size)};
}

static inline long blocks_of(struct lockstep_image_shape shape) {
    return (shape.channels + shape.lanes - 1) / shape.lanes;
}

// Of a sample's errors, each times its weight, and of their products with the normalised elements.
struct layer_sums {
    double errors, products;
};

#define LANES 1
#define NAMED(name) name##_1
#define vector float
#define wide double
#define integers int32_t
#define WIDENED(value) ((double)(value))
#define LANE(value, lane) (value)
#include "images-body.h"
#undef LANES
#undef NAMED
#undef vector
#undef wide
#undef integers
#undef WIDENED
#undef LANE

#define WIDENED(value) __builtin_convertvector(value, wide)
#define LANE(value, lane) (value)[lane]

typedef float floats_8 __attribute__((ext_vector_type(8), aligned(4)));
typedef double doubles_8 __attribute__((ext_vector_type(8), aligned(8)));
typedef int32_t integers_8 __attribute__((ext_vector_type(8), aligned(4)));
#define LANES 8
#define NAMED(name) name##_8
#define vector floats_8
#define wide doubles_8
#define integers integers_8
#include "images-body.h"
#undef LANES
#undef NAMED
#undef vector
#undef wide
#undef integers

typedef float floats_16 __attribute__((ext_vector_type(16), aligned(4)));
typedef double doubles_16 __attribute__((ext_vector_type(16), aligned(8)));
typedef int32_t integers_16 __attribute__((ext_vector_type(16), aligned(4)));
#define LANES 16
#define NAMED(name) name##_16
#define vector floats_16
#define wide doubles_16
#define integers integers_16
#include "images-body.h"
#undef LANES
#undef NAMED
#undef vector
#undef wide
#undef integers

// Calls the version of a function for a number of lanes.
#define FOR_LANES(lanes, name, ...)                                                                                    \
    switch (lanes) {                                                                                                   \
        case 16: name##_16(__VA_ARGS__); break;                                                                        \
        case 8: name##_8(__VA_ARGS__); break;                                                                          \
        case 1: name##_1(__VA_ARGS__); break;                                                                          \
        default: __builtin_trap();                                                                                     \
    }

void lockstep_clear_unused_lanes(float *images, struct lockstep_image_shape shape, long samples) {
    const long used = shape.channels % shape.lanes, size = shape.rows * shape.columns, blocks = blocks_of(shape);
    if (used == 0) return;
    for (long sample = 0; sample < samples; sample++) {
        float *last = images + (sample * blocks + blocks - 1) * size * shape.lanes;
        for (long i = 0; i < size; i++, last += shape.lanes) {
            for (long lane = used; lane < shape.lanes; lane++) last[lane] = 0.0f;
        }
    }
}

void lockstep_block_images(
    const float *restrict plain, struct lockstep_image_shape shape, long samples, float *restrict blocked) {
    const long size = shape.rows * shape.columns, lanes = shape.lanes;
    for (long sample = 0; sample < samples; sample++) {
        for (long channel = 0; channel < shape.channels; channel += lanes, blocked += size * lanes) {
            const long used = smaller(lanes, shape.channels - channel);
            for (long i = 0; i < size; i++) {
                for (long lane = 0; lane < used; lane++) blocked[i * lanes + lane] = plain[lane * size + i];
                for (long lane = used; lane < lanes; lane++) blocked[i * lanes + lane] = 0.0f;
            }
            plain += used * size;
        }
    }
}

void lockstep_unblock_images(
    const float *restrict blocked, struct lockstep_image_shape shape, long samples, float *restrict plain) {
    const long size = shape.rows * shape.columns, lanes = shape.lanes;
    for (long sample = 0; sample < samples; sample++) {
        for (long channel = 0; channel < shape.channels; channel += lanes, blocked += size * lanes) {
            const long used = smaller(lanes, shape.channels - channel);
            for (long lane = 0; lane < used; lane++, plain += size) {
                for (long i = 0; i < size; i++) plain[i] = blocked[i * lanes + lane];
            }
        }
    }
}

FOR_EVERY_PROCESSOR
static void max_pool(
    const float *images, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *outputs,
    int32_t *winners) {
    FOR_LANES(shape.lanes, max_pool, images, shape, planes, pool, outputs, winners)
}

// The shape of what a pool computes.
static inline struct lockstep_image_shape pooled(struct lockstep_image_shape shape, struct lockstep_pool pool) {
    return (struct lockstep_image_shape){shape.channels, pool.output_rows, pool.output_columns, shape.lanes};
}

void lockstep_max_pool(
    const float *images, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *outputs,
    int32_t *winners) {
    max_pool(images, shape, samples * blocks_of(shape), pool, outputs, winners);
    lockstep_clear_unused_lanes(outputs, pooled(shape, pool), samples);
}

FOR_EVERY_PROCESSOR
static void max_pool_errors(
    const float *output_errors, const int32_t *winners, struct lockstep_image_shape shape, long planes,
    struct lockstep_pool pool, float *errors) {
    FOR_LANES(shape.lanes, max_pool_errors, output_errors, winners, shape, planes, pool, errors)
}

void lockstep_max_pool_errors(
    const float *output_errors, const int32_t *winners, struct lockstep_image_shape shape, long samples,
    struct lockstep_pool pool, float *errors) {
    max_pool_errors(output_errors, winners, shape, samples * blocks_of(shape), pool, errors);
    lockstep_clear_unused_lanes(errors, shape, samples);
}

FOR_EVERY_PROCESSOR
static void average_pool(
    const float *images, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *outputs) {
    FOR_LANES(shape.lanes, average_pool, images, shape, planes, pool, outputs)
}

void lockstep_average_pool(
    const float *images, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *outputs) {
    average_pool(images, shape, samples * blocks_of(shape), pool, outputs);
    lockstep_clear_unused_lanes(outputs, pooled(shape, pool), samples);
}

FOR_EVERY_PROCESSOR
static void average_pool_errors(
    const float *output_errors, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *errors) {
    FOR_LANES(shape.lanes, average_pool_errors, output_errors, shape, planes, pool, errors)
}

void lockstep_average_pool_errors(
    const float *output_errors, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *errors) {
    average_pool_errors(output_errors, shape, samples * blocks_of(shape), pool, errors);
    lockstep_clear_unused_lanes(errors, shape, samples);
}

FOR_EVERY_PROCESSOR
void lockstep_global_average(const float *images, struct lockstep_image_shape shape, long samples, float *means) {
    FOR_LANES(shape.lanes, global_average, images, shape, samples, means)
}

FOR_EVERY_PROCESSOR
void lockstep_global_average_errors(
    const float *mean_errors, struct lockstep_image_shape shape, long samples, float *errors) {
    FOR_LANES(shape.lanes, global_average_errors, mean_errors, shape, samples, errors)
}

FOR_EVERY_PROCESSOR
void lockstep_group_norm(
    const float *images, struct lockstep_image_shape shape, long samples, long groups, double epsilon,
    const float *weights, const float *biases, double *statistics, float *outputs) {
    FOR_LANES(
        shape.lanes, group_norm, images, shape, samples, groups, epsilon, weights, biases, statistics, outputs)
}

FOR_EVERY_PROCESSOR
void lockstep_group_norm_errors(
    const float *output_errors, const float *images, double *statistics, struct lockstep_image_shape shape, long samples,
    long groups, const float *weights, _Bool adds, float *weight_gradient, float *bias_gradient, float *errors) {
    FOR_LANES(
        shape.lanes, group_norm_errors, output_errors, images, statistics, shape, samples, groups, weights, adds,
        weight_gradient, bias_gradient, errors)
}

// Layer normalisation of plain images: a sample is `count` elements in a row.
typedef doubles_16 partial_sums;

static inline double added_up(const partial_sums *sums) {
    double total = 0.0;
    for (int i = 0; i < 16; i++) total += (*sums)[i];
    return total;
}

static inline __attribute__((always_inline)) double add_up_1(
    const float *images, struct lockstep_image_shape shape, _Bool squares, double mean) {
    const long count = shape.channels * shape.rows * shape.columns;
    partial_sums sums = (partial_sums)(0.0);
    long i = 0;
    for (; i + 16 <= count; i += 16) {
        const doubles_16 distance =
            __builtin_convertvector(*(const floats_16 *)(images + i), doubles_16) - (doubles_16)(mean);
        sums += squares ? distance * distance : distance;
    }
    for (int lane = 0; i < count; i++, lane++) {
        const double distance = (double)images[i] - mean;
        sums[lane] += squares ? distance * distance : distance;
    }
    return added_up(&sums);
}

static inline __attribute__((always_inline)) void scale_sample_1(
    const float *restrict images, struct lockstep_image_shape shape, float mean, float scale, const float *restrict weights,
    const float *restrict biases, float *restrict outputs) {
    const long count = shape.channels * shape.rows * shape.columns;
    for (long i = 0; i < count; i++) outputs[i] = (images[i] - mean) * scale * weights[i] + biases[i];
}

static inline __attribute__((always_inline)) struct layer_sums layer_gradients_1(
    const float *output_errors, const float *images, struct lockstep_image_shape shape, float mean, float scale,
    const float *weights, _Bool writes, float *weight_gradient, float *bias_gradient) {
    const long count = shape.channels * shape.rows * shape.columns;
    partial_sums sums = (partial_sums)(0.0), product_sums = (partial_sums)(0.0);
    long i = 0;
    for (; i + 16 <= count; i += 16) {
        const floats_16 error = *(const floats_16 *)(output_errors + i);
        const floats_16 normal = (*(const floats_16 *)(images + i) - (floats_16)(mean)) * (floats_16)(scale);
        const floats_16 weighted = error * *(const floats_16 *)(weights + i);
        floats_16 *weight_sum = (floats_16 *)(weight_gradient + i), *bias_sum = (floats_16 *)(bias_gradient + i);
        *weight_sum = (writes ? (floats_16)(0.0f) : *weight_sum) + error * normal;
        *bias_sum = (writes ? (floats_16)(0.0f) : *bias_sum) + error;
        sums += __builtin_convertvector(weighted, doubles_16);
        product_sums += __builtin_convertvector(weighted * normal, doubles_16);
    }
    for (int lane = 0; i < count; i++, lane++) {
        const float normal = (images[i] - mean) * scale, weighted = output_errors[i] * weights[i];
        weight_gradient[i] = (writes ? 0.0f : weight_gradient[i]) + output_errors[i] * normal;
        bias_gradient[i] = (writes ? 0.0f : bias_gradient[i]) + output_errors[i];
        sums[lane] += (double)weighted;
        product_sums[lane] += (double)(weighted * normal);
    }
    return (struct layer_sums){added_up(&sums), added_up(&product_sums)};
}

static inline __attribute__((always_inline)) void layer_errors_1(
    const float *output_errors, const float *images, struct lockstep_image_shape shape, float mean, float scale,
    const float *weights, float mean_error, float mean_product, float *errors) {
    const long count = shape.channels * shape.rows * shape.columns;
#pragma clang loop vectorize(assume_safety)
    for (long i = 0; i < count; i++) {
        const float normal = (images[i] - mean) * scale;
        errors[i] = scale * (output_errors[i] * weights[i] - mean_error - normal * mean_product);
    }
}

// The result of a function's version for a number of lanes.
#define OF_LANES(lanes, name, ...)                                                                                     \
    ((lanes) == 16 ? name##_16(__VA_ARGS__) : (lanes) == 8 ? name##_8(__VA_ARGS__) : name##_1(__VA_ARGS__))

FOR_EVERY_PROCESSOR
void lockstep_layer_norm(
    const float *images, struct lockstep_image_shape shape, long samples, double epsilon, const float *weights,
    const float *biases, double *statistics, float *outputs) {
    const double count = (double)(shape.channels * shape.rows * shape.columns);
    const long stride = blocks_of(shape) * shape.rows * shape.columns * shape.lanes;
    for (long sample = 0; sample < samples; sample++, images += stride, outputs += stride, statistics += 2) {
        const double mean = OF_LANES(shape.lanes, add_up, images, shape, 0, 0.0) / count;
        const double variance = OF_LANES(shape.lanes, add_up, images, shape, 1, mean) / count;
        const double scale = 1.0 / square_root(variance + epsilon);
        statistics[0] = mean;
        statistics[1] = scale;
        FOR_LANES(shape.lanes, scale_sample, images, shape, (float)mean, (float)scale, weights, biases, outputs)
    }
}

FOR_EVERY_PROCESSOR
void lockstep_layer_norm_errors(
    const float *output_errors, const float *images, const double *statistics, struct lockstep_image_shape shape,
    long samples, const float *weights, _Bool adds, float *weight_gradient, float *bias_gradient, float *errors) {
    const double count = (double)(shape.channels * shape.rows * shape.columns);
    const long stride = blocks_of(shape) * shape.rows * shape.columns * shape.lanes;
    for (long sample = 0; sample < samples; sample++, images += stride, output_errors += stride, statistics += 2) {
        const float mean = (float)statistics[0], scale = (float)statistics[1];
        const struct layer_sums sums = OF_LANES(
            shape.lanes, layer_gradients, output_errors, images, shape, mean, scale, weights, sample == 0 && !adds,
            weight_gradient, bias_gradient);
        if (!errors) continue;
        FOR_LANES(
            shape.lanes, layer_errors, output_errors, images, shape, mean, scale, weights, (float)(sums.errors / count),
            (float)(sums.products / count), errors)
        errors += stride;
    }
}

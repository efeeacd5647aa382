#pragma once

#include <stdint.h>

/// Loops over images in blocks of channels, compiled for several processors as those of elementwise.h are. Sums are added in
/// a fixed order, so all versions give the same bits.

/// The shape of images in memory: [samples, blocks, rows, columns, lanes], where a block has `lanes` channels and the last
/// block may have some that are not used. With one lane, [samples, channels, rows, columns]. At most 16 lanes.
struct lockstep_image_shape {
    long channels, rows, columns, lanes;
};

/// Writes zeros into the lanes that no channel uses.
void lockstep_clear_unused_lanes(float *images, struct lockstep_image_shape shape, long samples);

/// Copies images between blocks of `shape` and plain order, [samples, channels, rows, columns]. In blocks, unused lanes become
/// zeros.
void lockstep_block_images(const float *plain, struct lockstep_image_shape shape, long samples, float *blocked);
void lockstep_unblock_images(const float *blocked, struct lockstep_image_shape shape, long samples, float *plain);

/// A window that slides over images with `top` rows and `left` columns of padding; smaller than it in both directions.
struct lockstep_pool {
    long window_rows, window_columns, stride_rows, stride_columns, top, left, output_rows, output_columns;
};

/// The largest element of each window, and where it lies in its image: `row * columns + column`. The first of equal elements
/// wins; the last NaN wins over all. `winners` has an element for each of `outputs`.
void lockstep_max_pool(
    const float *images, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *outputs,
    int32_t *winners);

/// The errors of the images: each winner gets the errors of the windows that it has won, in the windows' order.
void lockstep_max_pool_errors(
    const float *output_errors, const int32_t *winners, struct lockstep_image_shape shape, long samples,
    struct lockstep_pool pool, float *errors);

/// The mean of each window, whose padding counts as zeros.
void lockstep_average_pool(
    const float *images, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *outputs);

/// The errors of the images: each element gets its share of the errors of its windows, in the windows' order.
void lockstep_average_pool_errors(
    const float *output_errors, struct lockstep_image_shape shape, long samples, struct lockstep_pool pool, float *errors);

/// The mean of each channel, [samples, channels]; added in double, row by row.
void lockstep_global_average(const float *images, struct lockstep_image_shape shape, long samples, float *means);

/// The errors of the images from those of the means, [samples, channels].
void lockstep_global_average_errors(
    const float *mean_errors, struct lockstep_image_shape shape, long samples, float *errors);

/// Group normalisation: the channels of each of `groups` groups, which have equally many, get mean 0 and variance 1, then a
/// weight and a bias for each channel: `(x - mean) / sqrt(variance + epsilon) * weight + bias`.
///
/// Sums are added in double: the elements of a channel row by row, then the channels of a group. `statistics` has four
/// numbers for each group, [samples, groups, 4]: the mean, 1 / sqrt(variance + epsilon), and two of the backward pass.
void lockstep_group_norm(
    const float *images, struct lockstep_image_shape shape, long samples, long groups, double epsilon,
    const float *weights, const float *biases, double *statistics, float *outputs);

/// The gradients of weights and biases, summed over the samples in order, and the errors of the images. The sums are added to
/// the gradients' content if `adds`. `errors` may be null, or `output_errors`.
void lockstep_group_norm_errors(
    const float *output_errors, const float *images, double *statistics, struct lockstep_image_shape shape, long samples,
    long groups, const float *weights, _Bool adds, float *weight_gradient, float *bias_gradient, float *errors);

/// Layer normalisation: the elements of each sample get mean 0 and variance 1, then a weight and a bias for each element, both
/// in the order [channels, rows, columns]: `(x - mean) / sqrt(variance + epsilon) * weight + bias`.
///
/// Sums are added in double, in 16 partial sums of plain images, in one for each lane of a block. `statistics` has the mean
/// and 1 / sqrt(variance + epsilon) of each sample, [samples, 2].
void lockstep_layer_norm(
    const float *images, struct lockstep_image_shape shape, long samples, double epsilon, const float *weights,
    const float *biases, double *statistics, float *outputs);

/// As lockstep_group_norm_errors, of layer normalisation.
void lockstep_layer_norm_errors(
    const float *output_errors, const float *images, const double *statistics, struct lockstep_image_shape shape,
    long samples, const float *weights, _Bool adds, float *weight_gradient, float *bias_gradient, float *errors);

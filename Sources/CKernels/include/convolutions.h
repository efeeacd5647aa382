#pragma once

#include "images.h"

/// Copies between the layouts of a convolution: ours, and those in which the library reads and writes.

/// Where the rows and columns of an image go in another one: row r to `top + r * row_step`, columns likewise.
struct lockstep_placement {
    long top, left, row_step, column_step;
};

/// Copies the channels of `from` into images of another shape. Writes no other element of them; drops what falls outside.
void lockstep_place_images(
    const float *source, struct lockstep_image_shape from, long samples, struct lockstep_placement placement,
    float *destination, struct lockstep_image_shape to);

/// Where the weight of filter f and channel c at a position of the kernel lies in packed weights:
/// `f / filter_lanes * filter_block + f % filter_lanes * filter_step`, the same for the channel, and `position * position_step`,
/// added up.
struct lockstep_weight_layout {
    long filter_lanes, filter_block, filter_step;
    long channel_lanes, channel_block, channel_step;
    long position_step;
};

/// Packs weights, [filters, channels, positions], row-major. Writes only the elements of these filters and channels.
void lockstep_pack_weights(
    const float *plain, long filters, long channels, long positions, struct lockstep_weight_layout layout, float *packed);

/// Writes packed weights in plain order, [filters, channels, positions], or adds them to the content if `adds`.
void lockstep_unpack_weights(
    const float *packed, long filters, long channels, long positions, struct lockstep_weight_layout layout, _Bool adds,
    float *plain);

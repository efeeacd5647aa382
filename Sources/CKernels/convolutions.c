#include "convolutions.h"

#pragma STDC FP_CONTRACT OFF

static inline long smaller(long left, long right) {
    return left < right ? left : right;
}

static inline long blocks_of(struct lockstep_image_shape shape) {
    return (shape.channels + shape.lanes - 1) / shape.lanes;
}

// The first element of a channel.
static inline long channel_start(struct lockstep_image_shape shape, long sample, long channel) {
    const long block = sample * blocks_of(shape) + channel / shape.lanes;
    return block * shape.rows * shape.columns * shape.lanes + channel % shape.lanes;
}

void lockstep_place_images(
    const float *restrict source, struct lockstep_image_shape from, long samples, struct lockstep_placement placement,
    float *restrict destination, struct lockstep_image_shape to) {
    for (long sample = 0; sample < samples; sample++) {
        for (long channel = 0; channel < from.channels; channel++) {
            const float *image = source + channel_start(from, sample, channel);
            float *target = destination + channel_start(to, sample, channel);
            for (long row = 0; row < from.rows; row++, image += from.columns * from.lanes) {
                const long y = placement.top + row * placement.row_step;
                if (y < 0 || y >= to.rows) continue;
                for (long column = 0; column < from.columns; column++) {
                    const long x = placement.left + column * placement.column_step;
                    if (x < 0 || x >= to.columns) continue;
                    target[(y * to.columns + x) * to.lanes] = image[column * from.lanes];
                }
            }
        }
    }
}

void lockstep_pack_weights(
    const float *restrict plain, long filters, long channels, long positions, struct lockstep_weight_layout layout,
    float *restrict packed) {
    for (long filter = 0; filter < filters; filter++) {
        float *to_filter = packed + filter / layout.filter_lanes * layout.filter_block
            + filter % layout.filter_lanes * layout.filter_step;
        for (long channel = 0; channel < channels; channel++, plain += positions) {
            float *to = to_filter + channel / layout.channel_lanes * layout.channel_block
                + channel % layout.channel_lanes * layout.channel_step;
            for (long p = 0; p < positions; p++) to[p * layout.position_step] = plain[p];
        }
    }
}

// Block by block: a block of packed weights stays in the cache while its elements are picked in another order.
void lockstep_unpack_weights(
    const float *restrict packed, long filters, long channels, long positions, struct lockstep_weight_layout layout,
    _Bool adds, float *restrict plain) {
    for (long f = 0; f < filters; f += layout.filter_lanes) {
        const long last_filter = smaller(filters, f + layout.filter_lanes);
        for (long c = 0; c < channels; c += layout.channel_lanes) {
            const long last_channel = smaller(channels, c + layout.channel_lanes);
            const float *block = packed + f / layout.filter_lanes * layout.filter_block
                + c / layout.channel_lanes * layout.channel_block;
            for (long filter = f; filter < last_filter; filter++) {
                for (long channel = c; channel < last_channel; channel++) {
                    const float *from = block + (filter - f) * layout.filter_step + (channel - c) * layout.channel_step;
                    float *to = plain + (filter * channels + channel) * positions;
                    if (adds) {
                        for (long p = 0; p < positions; p++) to[p] += from[p * layout.position_step];
                    } else {
                        for (long p = 0; p < positions; p++) to[p] = from[p * layout.position_step];
                    }
                }
            }
        }
    }
}

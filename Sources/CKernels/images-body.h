// The loops of images.h over blocks of LANES channels, of which images.c includes a version for each number.
//
// `vector` has a float for each lane, `wide` a double and `integers` an int32_t. Every function is inlined into one that is
// compiled for several processors.

#define INLINED static inline __attribute__((always_inline))

// The bytes at an address as a vector, and the other way round. Addresses are those of floats.
#define AT(type, address) (*(type *)(address))

INLINED void NAMED(max_pool)(
    const float *images, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *outputs,
    int32_t *winners) {
    for (long plane = 0; plane < planes; plane++, images += shape.rows * shape.columns * LANES) {
        for (long y = 0; y < pool.output_rows; y++) {
            const struct span rows = window(y * pool.stride_rows - pool.top, pool.window_rows, shape.rows);
            for (long x = 0; x < pool.output_columns; x++, outputs += LANES, winners += LANES) {
                const struct span columns = window(x * pool.stride_columns - pool.left, pool.window_columns, shape.columns);
                vector best = (vector)(-INFINITY);
                integers winner = (integers)((int32_t)(rows.start * shape.columns + columns.start));
                for (long row = rows.start; row < rows.end; row++) {
                    for (long column = columns.start; column < columns.end; column++) {
                        const long position = row * shape.columns + column;
                        const vector value = AT(const vector, images + position * LANES);
                        const integers wins = (value > best) | (value != value);
                        best = wins ? value : best;
                        winner = wins ? (integers)((int32_t)position) : winner;
                    }
                }
                AT(vector, outputs) = best;
                AT(integers, winners) = winner;
            }
        }
    }
}

INLINED void NAMED(max_pool_errors)(
    const float *output_errors, const int32_t *winners, struct lockstep_image_shape shape, long planes,
    struct lockstep_pool pool, float *errors) {
    for (long plane = 0; plane < planes; plane++, errors += shape.rows * shape.columns * LANES) {
        memset(errors, 0, sizeof(float) * shape.rows * shape.columns * LANES);
        for (long y = 0; y < pool.output_rows; y++) {
            const struct span rows = window(y * pool.stride_rows - pool.top, pool.window_rows, shape.rows);
            for (long x = 0; x < pool.output_columns; x++, output_errors += LANES, winners += LANES) {
                const struct span columns = window(x * pool.stride_columns - pool.left, pool.window_columns, shape.columns);
                const vector error = AT(const vector, output_errors);
                const integers winner = AT(const integers, winners);
                for (long row = rows.start; row < rows.end; row++) {
                    for (long column = columns.start; column < columns.end; column++) {
                        const long position = row * shape.columns + column;
                        const integers wins = winner == (integers)((int32_t)position);
                        AT(vector, errors + position * LANES) += wins ? error : (vector)(0.0f);
                    }
                }
            }
        }
    }
}

INLINED void NAMED(average_pool)(
    const float *images, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *outputs) {
    const vector area = (vector)((float)(pool.window_rows * pool.window_columns));
    for (long plane = 0; plane < planes; plane++, images += shape.rows * shape.columns * LANES) {
        for (long y = 0; y < pool.output_rows; y++) {
            const struct span rows = window(y * pool.stride_rows - pool.top, pool.window_rows, shape.rows);
            for (long x = 0; x < pool.output_columns; x++, outputs += LANES) {
                const struct span columns = window(x * pool.stride_columns - pool.left, pool.window_columns, shape.columns);
                vector sum = (vector)(0.0f);
                for (long row = rows.start; row < rows.end; row++) {
                    for (long column = columns.start; column < columns.end; column++)
                        sum += AT(const vector, images + (row * shape.columns + column) * LANES);
                }
                AT(vector, outputs) = sum / area;
            }
        }
    }
}

INLINED void NAMED(average_pool_errors)(
    const float *output_errors, struct lockstep_image_shape shape, long planes, struct lockstep_pool pool, float *errors) {
    const vector area = (vector)((float)(pool.window_rows * pool.window_columns));
    for (long plane = 0; plane < planes; plane++, errors += shape.rows * shape.columns * LANES) {
        memset(errors, 0, sizeof(float) * shape.rows * shape.columns * LANES);
        for (long y = 0; y < pool.output_rows; y++) {
            const struct span rows = window(y * pool.stride_rows - pool.top, pool.window_rows, shape.rows);
            for (long x = 0; x < pool.output_columns; x++, output_errors += LANES) {
                const struct span columns = window(x * pool.stride_columns - pool.left, pool.window_columns, shape.columns);
                const vector share = AT(const vector, output_errors) / area;
                for (long row = rows.start; row < rows.end; row++) {
                    for (long column = columns.start; column < columns.end; column++)
                        AT(vector, errors + (row * shape.columns + column) * LANES) += share;
                }
            }
        }
    }
}

INLINED void NAMED(global_average)(
    const float *images, struct lockstep_image_shape shape, long samples, float *means) {
    const long size = shape.rows * shape.columns;
    for (long sample = 0; sample < samples; sample++) {
        for (long channel = 0; channel < shape.channels; channel += LANES, images += size * LANES) {
            wide sum = (wide)(0.0);
            for (long i = 0; i < size; i++) sum += WIDENED(AT(const vector, images + i * LANES));
            const long used = smaller(LANES, shape.channels - channel);
            for (long lane = 0; lane < used; lane++) *means++ = (float)(LANE(sum, lane) / (double)size);
        }
    }
}

INLINED void NAMED(global_average_errors)(
    const float *mean_errors, struct lockstep_image_shape shape, long samples, float *errors) {
    const long size = shape.rows * shape.columns;
    for (long sample = 0; sample < samples; sample++) {
        for (long channel = 0; channel < shape.channels; channel += LANES) {
            vector share = (vector)(0.0f);
            const long used = smaller(LANES, shape.channels - channel);
            for (long lane = 0; lane < used; lane++) LANE(share, lane) = *mean_errors++ / (float)size;
            for (long i = 0; i < size; i++, errors += LANES) AT(vector, errors) = share;
        }
    }
}

// Adds up each group's elements, or their squared distances from the group's mean: `sums[group * 4 + what]`.
INLINED void NAMED(add_up_groups)(
    const float *images, struct lockstep_image_shape shape, long group_size, _Bool squares, double *statistics) {
    const long size = shape.rows * shape.columns;
    for (long channel = 0; channel < shape.channels; channel += LANES, images += size * LANES) {
        const long used = smaller(LANES, shape.channels - channel);
        wide sum = (wide)(0.0), mean = (wide)(0.0);
        if (squares) {
            for (long lane = 0; lane < used; lane++) LANE(mean, lane) = statistics[(channel + lane) / group_size * 4];
            for (long i = 0; i < size; i++) {
                const wide distance = WIDENED(AT(const vector, images + i * LANES)) - mean;
                sum += distance * distance;
            }
        } else {
            for (long i = 0; i < size; i++) sum += WIDENED(AT(const vector, images + i * LANES));
        }
        for (long lane = 0; lane < used; lane++)
            statistics[(channel + lane) / group_size * 4 + squares] += LANE(sum, lane);
    }
}

INLINED void NAMED(group_norm)(
    const float *images, struct lockstep_image_shape shape, long samples, long groups, double epsilon,
    const float *weights, const float *biases, double *statistics, float *outputs) {
    const long size = shape.rows * shape.columns, group_size = shape.channels / groups;
    const double count = (double)(group_size * size);
    for (long sample = 0; sample < samples; sample++, statistics += groups * 4) {
        memset(statistics, 0, sizeof(double) * groups * 4);
        NAMED(add_up_groups)(images, shape, group_size, 0, statistics);
        for (long group = 0; group < groups; group++) statistics[group * 4] /= count;
        NAMED(add_up_groups)(images, shape, group_size, 1, statistics);
        for (long group = 0; group < groups; group++)
            statistics[group * 4 + 1] = 1.0 / square_root(statistics[group * 4 + 1] / count + epsilon);
        for (long channel = 0; channel < shape.channels; channel += LANES) {
            // Lanes without a channel get zeros.
            vector mean = (vector)(0.0f), scale = mean, weight = mean, bias = mean;
            const long used = smaller(LANES, shape.channels - channel);
            for (long lane = 0; lane < used; lane++) {
                const double *group = statistics + (channel + lane) / group_size * 4;
                LANE(mean, lane) = (float)group[0];
                LANE(scale, lane) = (float)group[1];
                LANE(weight, lane) = weights[channel + lane];
                LANE(bias, lane) = biases[channel + lane];
            }
            for (long i = 0; i < size; i++, images += LANES, outputs += LANES)
                AT(vector, outputs) = (AT(const vector, images) - mean) * scale * weight + bias;
        }
    }
}

INLINED void NAMED(group_norm_errors)(
    const float *output_errors, const float *images, double *statistics, struct lockstep_image_shape shape, long samples,
    long groups, const float *weights, _Bool adds, float *weight_gradient, float *bias_gradient, float *errors) {
    const long size = shape.rows * shape.columns, group_size = shape.channels / groups;
    const double count = (double)(group_size * size);
    for (long sample = 0; sample < samples; sample++, statistics += groups * 4) {
        for (long group = 0; group < groups; group++) statistics[group * 4 + 2] = statistics[group * 4 + 3] = 0.0;
        const float *block = images, *block_errors = output_errors;
        for (long channel = 0; channel < shape.channels; channel += LANES) {
            vector mean = (vector)(0.0f), scale = mean;
            const long used = smaller(LANES, shape.channels - channel);
            for (long lane = 0; lane < used; lane++) {
                const double *group = statistics + (channel + lane) / group_size * 4;
                LANE(mean, lane) = (float)group[0];
                LANE(scale, lane) = (float)group[1];
            }
            wide sum = (wide)(0.0), product_sum = (wide)(0.0);
            for (long i = 0; i < size; i++, block += LANES, block_errors += LANES) {
                const vector error = AT(const vector, block_errors);
                sum += WIDENED(error);
                product_sum += WIDENED(error * ((AT(const vector, block) - mean) * scale));
            }
            for (long lane = 0; lane < used; lane++) {
                const long c = channel + lane;
                double *group = statistics + c / group_size * 4;
                group[2] += (double)weights[c] * LANE(sum, lane);
                group[3] += (double)weights[c] * LANE(product_sum, lane);
                const _Bool writes = sample == 0 && !adds;
                bias_gradient[c] = (writes ? 0.0f : bias_gradient[c]) + (float)LANE(sum, lane);
                weight_gradient[c] = (writes ? 0.0f : weight_gradient[c]) + (float)LANE(product_sum, lane);
            }
        }
        if (errors) {
            for (long channel = 0; channel < shape.channels; channel += LANES) {
                vector mean = (vector)(0.0f), scale = mean, weight = mean, sum = mean, product_sum = mean;
                const long used = smaller(LANES, shape.channels - channel);
                for (long lane = 0; lane < used; lane++) {
                    const double *group = statistics + (channel + lane) / group_size * 4;
                    LANE(mean, lane) = (float)group[0];
                    LANE(scale, lane) = (float)group[1];
                    LANE(weight, lane) = weights[channel + lane];
                    LANE(sum, lane) = (float)(group[2] / count);
                    LANE(product_sum, lane) = (float)(group[3] / count);
                }
                for (long i = 0; i < size; i++, images += LANES, output_errors += LANES, errors += LANES) {
                    const vector normal = (AT(const vector, images) - mean) * scale;
                    AT(vector, errors) =
                        scale * (AT(const vector, output_errors) * weight - sum - normal * product_sum);
                }
            }
        } else {
            images = block;
            output_errors = block_errors;
        }
    }
}

#if LANES > 1

// Adds up a sample's elements, or their squared distances from the mean: the lanes of each block in order.
INLINED double NAMED(add_up)(const float *images, struct lockstep_image_shape shape, _Bool squares, double mean) {
    const long size = shape.rows * shape.columns;
    double total = 0.0;
    for (long channel = 0; channel < shape.channels; channel += LANES) {
        wide sum = (wide)(0.0);
        for (long i = 0; i < size; i++, images += LANES) {
            const wide distance = WIDENED(AT(const vector, images)) - (wide)(mean);
            sum += squares ? distance * distance : distance;
        }
        const long used = smaller(LANES, shape.channels - channel);
        for (long lane = 0; lane < used; lane++) total += LANE(sum, lane);
    }
    return total;
}

// One position's parameters, [channels, rows, columns]; lanes without a channel have zeros before and keep them.
INLINED void NAMED(pick)(const float *parameters, long size, long used, float *lanes) {
    for (long lane = 0; lane < used; lane++) lanes[lane] = parameters[lane * size];
}

INLINED void NAMED(scale_sample)(
    const float *images, struct lockstep_image_shape shape, float mean, float scale, const float *weights,
    const float *biases, float *outputs) {
    const long size = shape.rows * shape.columns;
    for (long channel = 0; channel < shape.channels; channel += LANES, weights += LANES * size, biases += LANES * size) {
        const long used = smaller(LANES, shape.channels - channel);
        float weight[LANES] = {0.0f}, bias[LANES] = {0.0f};
        for (long i = 0; i < size; i++, images += LANES, outputs += LANES) {
            NAMED(pick)(weights + i, size, used, weight);
            NAMED(pick)(biases + i, size, used, bias);
            const vector normal = (AT(const vector, images) - (vector)(mean)) * (vector)(scale);
            AT(vector, outputs) = normal * AT(const vector, weight) + AT(const vector, bias);
        }
    }
}

INLINED struct layer_sums NAMED(layer_gradients)(
    const float *output_errors, const float *images, struct lockstep_image_shape shape, float mean, float scale,
    const float *weights, _Bool writes, float *weight_gradient, float *bias_gradient) {
    const long size = shape.rows * shape.columns;
    struct layer_sums sums = {0.0, 0.0};
    for (long channel = 0; channel < shape.channels; channel += LANES) {
        const long used = smaller(LANES, shape.channels - channel), first = channel * size;
        float weight[LANES] = {0.0f}, product[LANES];
        wide sum = (wide)(0.0), product_sum = (wide)(0.0);
        for (long i = 0; i < size; i++, images += LANES, output_errors += LANES) {
            NAMED(pick)(weights + first + i, size, used, weight);
            const vector error = AT(const vector, output_errors);
            const vector normal = (AT(const vector, images) - (vector)(mean)) * (vector)(scale);
            const vector weighted = error * AT(const vector, weight);
            sum += WIDENED(weighted);
            product_sum += WIDENED(weighted * normal);
            AT(vector, product) = error * normal;
            float *weight_sum = weight_gradient + first + i, *bias_sum = bias_gradient + first + i;
            for (long lane = 0; lane < used; lane++, weight_sum += size, bias_sum += size) {
                *weight_sum = (writes ? 0.0f : *weight_sum) + product[lane];
                *bias_sum = (writes ? 0.0f : *bias_sum) + output_errors[lane];
            }
        }
        for (long lane = 0; lane < used; lane++) {
            sums.errors += LANE(sum, lane);
            sums.products += LANE(product_sum, lane);
        }
    }
    return sums;
}

INLINED void NAMED(layer_errors)(
    const float *output_errors, const float *images, struct lockstep_image_shape shape, float mean, float scale,
    const float *weights, float mean_error, float mean_product, float *errors) {
    const long size = shape.rows * shape.columns;
    for (long channel = 0; channel < shape.channels; channel += LANES, weights += LANES * size) {
        const long used = smaller(LANES, shape.channels - channel);
        // Lanes without a channel get zeros.
        float weight[LANES] = {0.0f};
        vector scales = (vector)(0.0f);
        for (long lane = 0; lane < used; lane++) LANE(scales, lane) = scale;
        for (long i = 0; i < size; i++, images += LANES, output_errors += LANES, errors += LANES) {
            NAMED(pick)(weights + i, size, used, weight);
            const vector normal = (AT(const vector, images) - (vector)(mean)) * scales;
            const vector weighted = AT(const vector, output_errors) * AT(const vector, weight);
            AT(vector, errors) = scales * (weighted - (vector)(mean_error) - normal * (vector)(mean_product));
        }
    }
}

#endif

#undef INLINED
#undef AT

#pragma once

/// Products of small matrices, row-major and dense, on one thread.
///
/// A matrix library copies its operands into an order of its own before it multiplies; with ten rows that takes longer
/// than the product. These read them where they lie.
///
/// Each element of a result has one order of additions, whatever the other sizes are: so a row's bits do not depend on
/// how many rows share the call, nor on where the matrices lie. They depend on the lanes of a register alone: eight for
/// `_avx2`, sixteen for `_avx512`. Every product is fused with its addition.
///
/// The caller makes sure that the processor has AVX2 and FMA, or AVX-512 F and DQ.

/// `c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ`: each element is a dot product of two rows.
///
/// Lane l adds the terms l, l + lanes, l + 2 lanes, ... in order; then the lanes are added in a tree.
void lockstep_dot_products_avx2(
    long rows, long columns, long depth, const float *a, const float *b, float *c);
void lockstep_dot_products_avx512(
    long rows, long columns, long depth, const float *a, const float *b, float *c);

/// `c[rows, columns] = x[rows, depth] · y[depth, columns]`, where `x[i, k]` lies at `x[i * row_stride + k * step]`: so
/// `x` may be the transpose of a matrix. With `accumulating`, the product is added to what `c` holds.
///
/// The terms of an element are added in order, to zero or to what is there.
void lockstep_row_combinations_avx2(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y, int accumulating,
    float *c);
void lockstep_row_combinations_avx512(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y, int accumulating,
    float *c);

// The same products with a factor of bytes, whose rows lie anywhere: each byte counts as `scale * byte`, rounded once, as
// if they had been converted before; so the bits are the same. What is converted stays in the cache.

/// `c[rows, columns] = (scale * a[rows, depth]) · b[columns, depth]ᵀ`, where row i of `a` is at `a[i]`.
///
/// `scratch` holds five rows of `depth` floats.
void lockstep_dot_products_of_bytes_avx2(
    long rows, long columns, long depth, const unsigned char *const *a, float scale, const float *b, float *c,
    float *scratch);
void lockstep_dot_products_of_bytes_avx512(
    long rows, long columns, long depth, const unsigned char *const *a, float scale, const float *b, float *c,
    float *scratch);

/// Rows of bytes that are converted at a time.
#define LOCKSTEP_BYTE_ROWS 128

/// `c[rows, columns] = x[rows, depth] · (scale * y[depth, columns])`, where row k of `y` is at `y[k]`; x and `accumulating`
/// as above.
///
/// `scratch` holds LOCKSTEP_BYTE_ROWS rows of 64 floats.
void lockstep_row_combinations_of_bytes_avx2(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const unsigned char *const *y,
    float scale, int accumulating, float *c, float *scratch);
void lockstep_row_combinations_of_bytes_avx512(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const unsigned char *const *y,
    float scale, int accumulating, float *c, float *scratch);

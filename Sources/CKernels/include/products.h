#pragma once

/// Products of small matrices, row-major and dense, on one thread.
///
/// A matrix library copies its operands into its own order before it multiplies; with ten rows the copy takes longer than
/// the product. These functions read the operands in place.
///
/// The order of additions in one element of a result does not depend on the other sizes: a row's bits do not depend on
/// the number of rows in the call or on the addresses of the matrices. They depend on the number of lanes of a register
/// alone: eight for `_avx2`, sixteen for `_avx512`. Every product is fused with its addition.
///
/// The caller checks that the processor has AVX2 and FMA, or AVX-512 F and DQ.

/// `c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ`: each element is a dot product of two rows.
///
/// Lane l adds the terms l, l + lanes, l + 2 lanes, ... in order; then the lanes are added in a binary tree.
void lockstep_dot_products_avx2(
    long rows, long columns, long depth, const float *a, const float *b, float *c);
void lockstep_dot_products_avx512(
    long rows, long columns, long depth, const float *a, const float *b, float *c);

/// Few rows or columns: the sizes up to which these functions are faster than a library. Part of the arithmetic.
#define LOCKSTEP_FEW 32

/// `c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ` for `columns` <= LOCKSTEP_FEW and `depth` < 2 LOCKSTEP_FEW: dot
/// products that are too short for several lanes. The terms of an element are added in order, to zero.
void lockstep_short_dot_products_avx2(
    long rows, long columns, long depth, const float *a, const float *b, float *c);
void lockstep_short_dot_products_avx512(
    long rows, long columns, long depth, const float *a, const float *b, float *c);

/// `c[rows, columns] = x[rows, depth] · y[depth, columns]`, where `x[i, k]` lies at `x[i * row_stride + k * step]`: so
/// `x` may be the transpose of a matrix. With `accumulating`, the product is added to the content of `c`.
///
/// The terms of an element are added in order, to zero or to the element's content.
void lockstep_row_combinations_avx2(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y, int accumulating,
    float *c);
void lockstep_row_combinations_avx512(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y, int accumulating,
    float *c);

// The same products with a matrix of bytes whose rows may lie anywhere: each byte is converted to `scale * byte`, rounded
// once, so the bits equal the product of a converted matrix. The converted rows stay in the cache.

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

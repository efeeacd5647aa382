// The products of products.h, over the vector type of the including file.
//
// A tile of the result stays in registers while its terms are added. Its sizes are literals, so that the compiler
// unrolls the loops over the tile and keeps the sums in registers: hence macros. A tile has as many sums as the registers
// hold beside the operands: with fewer sums an operand is read more often, and fewer than ten sums cannot hide the latency
// of an addition.

#define UNROLLED _Pragma("clang loop unroll(full)")

// Dot products of ROWS rows of `a` with COLUMNS rows of `b`.
#define DOT_TILE(ROWS, COLUMNS)                                                                                        \
    static inline void dot_tile_##ROWS##_##COLUMNS(                                                                    \
        long columns, long depth, const float *a, const float *b, float *c) {                                          \
        vector sums[ROWS][COLUMNS], right[COLUMNS];                                                                    \
        UNROLLED for (int i = 0; i < ROWS; i++) {                                                                      \
            UNROLLED for (int j = 0; j < COLUMNS; j++) sums[i][j] = zero();                                            \
        }                                                                                                              \
        long k = 0;                                                                                                    \
        for (; k + LANES <= depth; k += LANES) {                                                                       \
            UNROLLED for (int j = 0; j < COLUMNS; j++) right[j] = load(b + j * depth + k);                             \
            UNROLLED for (int i = 0; i < ROWS; i++) {                                                                  \
                vector left = load(a + i * depth + k);                                                                 \
                UNROLLED for (int j = 0; j < COLUMNS; j++) sums[i][j] = multiply_add(left, right[j], sums[i][j]);      \
            }                                                                                                          \
        }                                                                                                              \
        if (k < depth) {                                                                                               \
            UNROLLED for (int j = 0; j < COLUMNS; j++) right[j] = load_some(b + j * depth + k, depth - k);             \
            UNROLLED for (int i = 0; i < ROWS; i++) {                                                                  \
                vector left = load_some(a + i * depth + k, depth - k);                                                 \
                UNROLLED for (int j = 0; j < COLUMNS; j++) sums[i][j] = multiply_add(left, right[j], sums[i][j]);      \
            }                                                                                                          \
        }                                                                                                              \
        float totals[ROWS * COLUMNS];                                                                                  \
        UNROLLED for (int n = 0; n + 4 <= ROWS * COLUMNS; n += 4) add_lanes_of_four(&sums[0][0] + n, totals + n);      \
        UNROLLED for (int n = ROWS * COLUMNS / 4 * 4; n < ROWS * COLUMNS; n++) totals[n] = add_lanes((&sums[0][0])[n]);\
        UNROLLED for (int i = 0; i < ROWS; i++) {                                                                      \
            UNROLLED for (int j = 0; j < COLUMNS; j++) c[i * columns + j] = totals[i * COLUMNS + j];                   \
        }                                                                                                              \
    }

// Dot products of ROWS rows of `a` with all rows of `b`.
#define DOT_BAND(ROWS, COLUMNS)                                                                                        \
    DOT_TILE(ROWS, COLUMNS)                                                                                            \
    DOT_TILE(ROWS, 1)                                                                                                  \
    static void dot_band_##ROWS(long columns, long depth, const float *a, const float *b, float *c) {                  \
        long j = 0;                                                                                                    \
        for (; j + COLUMNS <= columns; j += COLUMNS)                                                                   \
            dot_tile_##ROWS##_##COLUMNS(columns, depth, a, b + j * depth, c + j);                                      \
        for (; j < columns; j++) dot_tile_##ROWS##_1(columns, depth, a, b + j * depth, c + j);                         \
    }

DOT_BANDS

// Rows that the next band of `rows` has: bands of four read least; up to ten rows, two bands of five leave none that is
// half empty.
static inline long next_dot_band(long all, long rows) {
    const long most = all <= 10 ? 5 : 4;
    const long bands = (rows + most - 1) / most;
    return (rows + bands - 1) / bands;
}

static void dot_band(long band, long columns, long depth, const float *a, const float *b, float *c) {
    switch (band) {
        case 1: dot_band_1(columns, depth, a, b, c); break;
        case 2: dot_band_2(columns, depth, a, b, c); break;
        case 3: dot_band_3(columns, depth, a, b, c); break;
        case 4: dot_band_4(columns, depth, a, b, c); break;
        case 5: dot_band_5(columns, depth, a, b, c); break;
    }
}

void NAMED(lockstep_dot_products)(long rows, long columns, long depth, const float *a, const float *b, float *c) {
    for (long row = 0; row < rows;) {
        const long band = next_dot_band(rows, rows - row);
        dot_band(band, columns, depth, a + row * depth, b, c + row * columns);
        row += band;
    }
}

// `floats = scale * bytes`.
static inline void convert(const unsigned char *bytes, float scale, float *floats, long count) {
    long i = 0;
    for (; i + LANES <= count; i += LANES) store(floats + i, scaled_bytes(bytes + i, scale));
    for (; i < count; i++) floats[i] = (float)bytes[i] * scale;
}

void NAMED(lockstep_dot_products_of_bytes)(
    long rows, long columns, long depth, const unsigned char *const *a, float scale, const float *b, float *c,
    float *scratch) {
    for (long row = 0; row < rows;) {
        const long band = next_dot_band(rows, rows - row);
        for (long i = 0; i < band; i++) {
            convert(a[row + i], scale, scratch + i * depth, depth);
            // Prefetches the rows of the band after the next: rows may lie anywhere in memory.
            const long later = row + i + 2 * band;
            if (later < rows) {
                for (long k = 0; k < depth; k += 64) __builtin_prefetch(a[later] + k, 0, 3);
            }
        }
        dot_band(band, columns, depth, scratch, b, c + row * columns);
        row += band;
    }
}

// A tile of ROWS rows and VECTORS vectors of `c`, starting at `c`; LOAD and STORE move one vector.
#define COMBINATION_TILE(NAME, ROWS, VECTORS, LOAD, STORE)                                                             \
    static inline void NAME(                                                                                           \
        long columns, long depth, const float *x, long row_stride, long step, const float *y, long y_stride,           \
        int accumulating, float *c, long some) {                                                                       \
        vector sums[ROWS][VECTORS], right[VECTORS];                                                                    \
        (void)some;                                                                                                    \
        UNROLLED for (int i = 0; i < ROWS; i++) {                                                                      \
            UNROLLED for (int j = 0; j < VECTORS; j++)                                                                 \
                sums[i][j] = accumulating ? LOAD(c + i * columns + j * LANES) : zero();                                \
        }                                                                                                              \
        for (long k = 0; k < depth; k++) {                                                                             \
            UNROLLED for (int j = 0; j < VECTORS; j++) right[j] = LOAD(y + k * y_stride + j * LANES);                  \
            UNROLLED for (int i = 0; i < ROWS; i++) {                                                                  \
                vector left = repeat(x + i * row_stride + k * step);                                                   \
                UNROLLED for (int j = 0; j < VECTORS; j++) sums[i][j] = multiply_add(left, right[j], sums[i][j]);      \
            }                                                                                                          \
        }                                                                                                              \
        UNROLLED for (int i = 0; i < ROWS; i++) {                                                                      \
            UNROLLED for (int j = 0; j < VECTORS; j++) STORE(c + i * columns + j * LANES, sums[i][j]);                 \
        }                                                                                                              \
    }

#define LOAD_SOME(from) load_some(from, some)
#define STORE_SOME(to, value) store_some(to, value, some)

// WIDE vectors, one, or fewer columns of ROWS rows.
#define COMBINATION_BAND(ROWS)                                                                                         \
    COMBINATION_TILE(wide_tile_##ROWS, ROWS, WIDE, load, store)                                                        \
    COMBINATION_TILE(narrow_tile_##ROWS, ROWS, 1, load, store)                                                         \
    COMBINATION_TILE(partial_tile_##ROWS, ROWS, 1, LOAD_SOME, STORE_SOME)                                              \
    static void combination_band_##ROWS(                                                                               \
        long width, long columns, long depth, const float *x, long row_stride, long step, const float *y,              \
        long y_stride, int accumulating, float *c) {                                                                   \
        if (width == WIDE * LANES)                                                                                     \
            wide_tile_##ROWS(columns, depth, x, row_stride, step, y, y_stride, accumulating, c, 0);                    \
        else if (width == LANES)                                                                                       \
            narrow_tile_##ROWS(columns, depth, x, row_stride, step, y, y_stride, accumulating, c, 0);                  \
        else                                                                                                           \
            partial_tile_##ROWS(columns, depth, x, row_stride, step, y, y_stride, accumulating, c, width);             \
    }

COMBINATION_BAND(1)
COMBINATION_BAND(2)
COMBINATION_BAND(3)
COMBINATION_BAND(4)
COMBINATION_BAND(5)
COMBINATION_BAND(6)

// All rows of `width` columns.
static void combination_strip(
    long width, long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y,
    long y_stride, int accumulating, float *c) {
    for (long bands = (rows + 5) / 6; bands > 0; bands--) {
        const long band = (rows + bands - 1) / bands;
        switch (band) {
            case 1: combination_band_1(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
            case 2: combination_band_2(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
            case 3: combination_band_3(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
            case 4: combination_band_4(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
            case 5: combination_band_5(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
            case 6: combination_band_6(width, columns, depth, x, row_stride, step, y, y_stride, accumulating, c); break;
        }
        rows -= band;
        x += band * row_stride;
        c += band * columns;
    }
}

// This many rows of `y` stay in the cache while all rows of `c` are processed. The order of additions stays the same.
#define PART LOCKSTEP_BYTE_ROWS

static inline long strip_width(long columns_left) {
    return columns_left >= WIDE * LANES ? WIDE * LANES : columns_left >= LANES ? LANES : columns_left;
}

void NAMED(lockstep_row_combinations)(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const float *y, int accumulating,
    float *c) {
    long k = 0;
    do {
        const long part = depth - k < PART ? depth - k : PART;
        for (long j = 0, width; j < columns; j += width) {
            width = strip_width(columns - j);
            combination_strip(
                width, rows, columns, part, x + k * step, row_stride, step, y + k * columns + j, columns,
                accumulating || k > 0, c + j);
        }
        k += part;
    } while (k < depth);
}

void NAMED(lockstep_short_dot_products)(long rows, long columns, long depth, const float *a, const float *b, float *c) {
    float transposed[2 * LOCKSTEP_FEW * LOCKSTEP_FEW];
    for (long k = 0; k < depth; k++) {
        for (long j = 0; j < columns; j++) transposed[k * columns + j] = b[j * depth + k];
    }
    NAMED(lockstep_row_combinations)(rows, columns, depth, a, depth, 1, transposed, 0, c);
}

void NAMED(lockstep_row_combinations_of_bytes)(
    long rows, long columns, long depth, const float *x, long row_stride, long step, const unsigned char *const *y,
    float scale, int accumulating, float *c, float *scratch) {
    long k = 0;
    do {
        const long part = depth - k < PART ? depth - k : PART;
        for (long j = 0, width; j < columns; j += width) {
            width = strip_width(columns - j);
            for (long i = 0; i < part; i++) convert(y[k + i] + j, scale, scratch + i * width, width);
            combination_strip(
                width, rows, columns, part, x + k * step, row_stride, step, scratch, width, accumulating || k > 0, c + j);
        }
        k += part;
    } while (k < depth);
}

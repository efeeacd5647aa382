import CKernels

/// Products of small matrices, read in place.
///
/// A library first copies its operands into its own order; with ten rows, that takes two to four times as long as the
/// product in place.
///
/// The sizes that decide between the two are part of the arithmetic and the same on every machine. So is the kernel: it
/// determines the number of lanes of a register, and with it the order of additions in a dot product.
package struct SmallProducts: Sendable {
    /// The number of floats in a register.
    package let lanes: Lanes

    package enum Lanes: Int, Sendable {
        /// Eight: AVX2.
        case eight = 8
        /// Sixteen: AVX-512.
        case sixteen = 16
    }

    package init(_ kernel: NumericKernel) {
        switch kernel {
        case .avx2: lanes = .eight
        case .avx512: lanes = .sixteen
        }
    }

    /// Whether all products of a layer with `outputs` neurons are computed here, whatever its inputs and the rows.
    static func suitAllProducts(outputs: Int) -> Bool { outputs <= few }

    /// With few rows on either side a library's copies cost more than they save; short dot products would spend their time
    /// on adding the lanes.
    static func suitDotProducts(rows: Int, columns: Int, depth: Int) -> Bool {
        rows <= few || (columns <= few && depth >= 2 * few)
    }

    /// Short dot products of few columns are computed as combinations of the right factor's transposed rows.
    static func suitShortDotProducts(columns: Int, depth: Int) -> Bool {
        columns <= few && depth < 2 * few
    }

    /// If a side of the left factor is short, a library's copies cost more than they save.
    static func suitCombinations(rows: Int, depth: Int) -> Bool {
        rows <= few || depth <= few
    }

    private static let few = Int(LOCKSTEP_FEW)

    /// `c[rows, columns] = a[rows, depth] · b[columns, depth]ᵀ`, all matrices row-major.
    package func dotProducts(
        rows: Int, columns: Int, depth: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        switch lanes {
        case .eight: lockstep_dot_products_avx2(rows, columns, depth, a, b, c)
        case .sixteen: lockstep_dot_products_avx512(rows, columns, depth, a, b, c)
        }
    }

    /// ``dotProducts(rows:columns:depth:_:_:into:)`` where row i of `a` is `scale` times the bytes at `a[i]`; the same bits as
    /// with converted floats.
    ///
    /// `scratch` holds ``scratchCount(depth:)`` floats.
    package func dotProducts(
        rows: Int, columns: Int, depth: Int, _ a: ByteRows, _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        switch lanes {
        case .eight: lockstep_dot_products_of_bytes_avx2(rows, columns, depth, a.rows, a.scale, b, c, scratch)
        case .sixteen: lockstep_dot_products_of_bytes_avx512(rows, columns, depth, a.rows, a.scale, b, c, scratch)
        }
    }

    /// ``dotProducts(rows:columns:depth:_:_:into:)`` of few columns and a small depth (see
    /// ``suitShortDotProducts(columns:depth:)``), in which the terms of an element are added in order.
    package func shortDotProducts(
        rows: Int, columns: Int, depth: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        switch lanes {
        case .eight: lockstep_short_dot_products_avx2(rows, columns, depth, a, b, c)
        case .sixteen: lockstep_short_dot_products_avx512(rows, columns, depth, a, b, c)
        }
    }

    /// Floats of scratch memory in which a product of bytes converts its rows.
    package static func scratchCount(depth: Int) -> Int {
        max(5 * depth, 64 * Int(LOCKSTEP_BYTE_ROWS))
    }

    /// `c[rows, columns] = x[rows, depth] · y[depth, columns]`, added to the content of `c` if `accumulating`.
    ///
    /// `x[i, k]` lies at `x[i * rowStride + k * step]`; the others are row-major.
    package func rowCombinations(
        rows: Int, columns: Int, depth: Int, _ x: UnsafePointer<Float>, rowStride: Int, step: Int,
        _ y: UnsafePointer<Float>, accumulating: Bool, into c: UnsafeMutablePointer<Float>
    ) {
        let adds: CInt = accumulating ? 1 : 0
        switch lanes {
        case .eight: lockstep_row_combinations_avx2(rows, columns, depth, x, rowStride, step, y, adds, c)
        case .sixteen: lockstep_row_combinations_avx512(rows, columns, depth, x, rowStride, step, y, adds, c)
        }
    }

    /// ``rowCombinations(rows:columns:depth:_:rowStride:step:_:accumulating:into:)`` where row k of `y` is `scale` times
    /// the bytes at `y[k]`; the same bits as with converted floats.
    ///
    /// `scratch` holds ``scratchCount(depth:)`` floats.
    package func rowCombinations(
        rows: Int, columns: Int, depth: Int, _ x: UnsafePointer<Float>, rowStride: Int, step: Int, _ y: ByteRows,
        accumulating: Bool, into c: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        let adds: CInt = accumulating ? 1 : 0
        switch lanes {
        case .eight:
            lockstep_row_combinations_of_bytes_avx2(
                rows, columns, depth, x, rowStride, step, y.rows, y.scale, adds, c, scratch)
        case .sixteen:
            lockstep_row_combinations_of_bytes_avx512(
                rows, columns, depth, x, rowStride, step, y.rows, y.scale, adds, c, scratch)
        }
    }
}

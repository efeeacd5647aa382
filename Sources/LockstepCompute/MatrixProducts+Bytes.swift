/// A matrix of bytes whose rows may lie anywhere, such as the images of a data set; element x has the value `scale` x.
package struct ByteRows {
    /// The address of each row, [rows].
    package let rows: UnsafePointer<UnsafePointer<UInt8>?>
    package let scale: Float

    package init(rows: UnsafePointer<UnsafePointer<UInt8>?>, scale: Float) {
        self.rows = rows
        self.scale = scale
    }
}

/// Products of a data set's bytes, read in place: a few rows at a time are converted to floats in the cache. A whole matrix
/// of floats would be written to memory once and read twice.
extension MatrixProducts {
    /// With fewer rows, converting all of them first is as fast: they stay in the cache.
    private static let fewestByteRows = 64

    /// Whether a layer with `inputs` bytes per sample can, and should, multiply the bytes in place.
    package func suitsBytes(rows: Int, outputs: Int, inputs: Int) -> Bool {
        rows >= Self.fewestByteRows
            && SmallProducts.suitDotProducts(rows: rows, columns: outputs, depth: inputs)
            && SmallProducts.suitCombinations(rows: outputs, depth: rows)
    }

    /// ``forward(rows:outputs:inputs:a:w:into:)`` of bytes, with the same bits; only if ``suitsBytes(rows:outputs:inputs:)``.
    ///
    /// `scratch` holds ``SmallProducts/scratchCount(depth:)`` floats for a depth of `inputs`.
    package func forward(
        rows: Int, outputs: Int, inputs: Int, a: ByteRows, w: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        small.dotProducts(rows: rows, columns: outputs, depth: inputs, a, w, into: c, scratch: scratch)
    }

    /// ``weightGradient(rows:outputs:inputs:d:a:accumulating:into:)`` of bytes, with the same bits; only if ``suitsBytes(rows:outputs:inputs:)``.
    ///
    /// `scratch` holds ``SmallProducts/scratchCount(depth:)`` floats for a depth of `inputs`.
    package func weightGradient(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, a: ByteRows, accumulating: Bool,
        into g: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        small.rowCombinations(
            rows: outputs, columns: inputs, depth: rows, d, rowStride: 1, step: outputs, a, accumulating: accumulating,
            into: g, scratch: scratch)
    }
}

/// Products with a data set's bytes as they lie there: they are converted a few rows at a time, in the cache, where a
/// matrix of floats would go to the memory and come back twice.
extension MatrixLibrary {
    /// Below so many rows, converting them first is as fast: all of them stay in the cache.
    private static let fewestByteRows = 64

    /// Whether a layer that reads `inputs` bytes can, and better does, multiply them as they are.
    package func suitsBytes(rows: Int, outputs: Int, inputs: Int) -> Bool {
        small != nil && rows >= Self.fewestByteRows
            && SmallProducts.suitDotProducts(rows: rows, columns: outputs, depth: inputs)
            && SmallProducts.suitCombinations(rows: outputs, depth: rows)
    }

    /// ``forward(rows:outputs:inputs:a:w:into:)`` of bytes, with the same bits; only where they suit.
    ///
    /// `scratch` holds ``SmallProducts/scratchCount(depth:)`` floats for a depth of `inputs`.
    package func forward(
        rows: Int, outputs: Int, inputs: Int, a: ByteRows, w: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        small?.dotProducts(rows: rows, columns: outputs, depth: inputs, a, w, into: c, scratch: scratch)
    }

    /// ``weightGradient(rows:outputs:inputs:d:a:accumulating:into:)`` of bytes, with the same bits; only where they suit.
    ///
    /// `scratch` holds ``SmallProducts/scratchCount(depth:)`` floats for a depth of `inputs`.
    package func weightGradient(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, a: ByteRows, accumulating: Bool,
        into g: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        small?.rowCombinations(
            rows: outputs, columns: inputs, depth: rows, d, rowStride: 1, step: outputs, a, accumulating: accumulating,
            into: g, scratch: scratch)
    }
}

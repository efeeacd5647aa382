/// The matrix products of one network's layers.
package struct MatrixProducts: Sendable {
    let small: SmallProducts
    /// Nil if no layer of the network needs it.
    private let large: OneDNN?

    init(small: SmallProducts, large: OneDNN?) {
        self.small = small
        self.large = large
    }

    /// `C[rows, outputs] = A[rows, inputs] · W[outputs, inputs]ᵀ`: a layer's weighted inputs, all matrices row-major.
    package func forward(
        rows: Int, outputs: Int, inputs: Int, a: UnsafePointer<Float>, w: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        if SmallProducts.suitDotProducts(rows: rows, columns: outputs, depth: inputs) {
            small.dotProducts(rows: rows, columns: outputs, depth: inputs, a, w, into: c)
        } else if SmallProducts.suitShortDotProducts(columns: outputs, depth: inputs) {
            small.shortDotProducts(rows: rows, columns: outputs, depth: inputs, a, w, into: c)
        } else {
            oneDNN.multiply(rows: rows, columns: outputs, depth: inputs, a, w, transposesB: true, into: c)
        }
    }

    /// `G[outputs, inputs] = D[rows, outputs]ᵀ · A[rows, inputs]`: the gradient of a layer's weights, summed over the
    /// rows, all matrices row-major.
    ///
    /// With `accumulating`, the product is added to the content of `g`.
    package func weightGradient(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, a: UnsafePointer<Float>,
        accumulating: Bool, into g: UnsafeMutablePointer<Float>
    ) {
        if SmallProducts.suitCombinations(rows: outputs, depth: rows) {
            small.rowCombinations(
                rows: outputs, columns: inputs, depth: rows, d, rowStride: 1, step: outputs, a,
                accumulating: accumulating, into: g)
        } else {
            oneDNN.multiply(
                rows: outputs, columns: inputs, depth: rows, d, transposesA: true, a, accumulating: accumulating,
                into: g)
        }
    }

    /// `E[rows, inputs] = D[rows, outputs] · W[outputs, inputs]`: the errors of a layer's inputs, from the errors of its
    /// outputs; all matrices row-major.
    package func backward(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, w: UnsafePointer<Float>,
        into e: UnsafeMutablePointer<Float>
    ) {
        if SmallProducts.suitCombinations(rows: rows, depth: outputs) {
            small.rowCombinations(
                rows: rows, columns: inputs, depth: outputs, d, rowStride: outputs, step: 1, w,
                accumulating: false, into: e)
        } else {
            oneDNN.multiply(rows: rows, columns: inputs, depth: outputs, d, w, into: e)
        }
    }

    private var oneDNN: OneDNN {
        guard let large else { preconditionFailure("products of a layer that was not announced") }
        return large
    }
}

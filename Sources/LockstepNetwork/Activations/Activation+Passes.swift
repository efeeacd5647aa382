import LockstepNumerics

// The elementwise passes before and after a layer's matrix products. Each goes through memory once: it processes bands of
// a few rows, and all loops over a band run while the band is in the first-level cache. A single row is too short to be
// vectorised well, so elementwise loops run over a whole band.

extension Activation {
    /// Computes a layer's activations from its products, in place: `a = f(A · Wᵀ + b)`.
    ///
    /// - Parameters:
    ///   - values: A · Wᵀ, replaced by the activations, [rows, columns], row-major.
    ///   - biases: [columns].
    ///   - rows: Samples.
    ///   - columns: Neurons.
    ///   - weightedInputs: Receives z, [rows, columns]; nil if the slope is a function of the activations.
    func forward(
        _ values: UnsafeMutablePointer<Float>, biases: UnsafePointer<Float>, rows: Int, columns: Int,
        storing weightedInputs: UnsafeMutablePointer<Float>? = nil
    ) {
        forEachBand(rows: rows, columns: columns) { first, count in
            let band = values + first * columns
            addRow(biases, to: band, rows: count, columns: columns)
            if let weightedInputs {
                (weightedInputs + first * columns).update(from: band, count: count * columns)
            }
            apply(band, count * columns)
        }
    }

    /// Computes a hidden layer's errors, `delta *= f'(z)`, and the gradient of its biases, the sums of the columns.
    ///
    /// - Parameters:
    ///   - errors: The derivative of the cost with respect to the layer's activations, replaced by the derivative with
    ///     respect to z, [rows, columns], row-major.
    ///   - source: f(z) or z, as ``Activation/slopeSource`` says, [rows, columns], row-major.
    ///   - rows: Samples.
    ///   - columns: Neurons.
    ///   - accumulating: Whether the sums are added to the content of `biasGradient`.
    ///   - biasGradient: Receives the sums, [columns]; the rows are added in order.
    func backward(
        _ errors: UnsafeMutablePointer<Float>, source: UnsafePointer<Float>, rows: Int, columns: Int,
        accumulating: Bool, biasGradient: UnsafeMutablePointer<Float>
    ) {
        forEachBand(rows: rows, columns: columns) { first, count in
            let band = errors + first * columns
            multiplyBySlope(band, source + first * columns, count * columns)
            sumColumns(
                band, rows: count, columns: columns, accumulating: accumulating || first > 0, into: biasGradient)
        }
    }
}

/// Calls `body` with the first row and the number of rows of each band; a band fits into the first-level cache.
@inline(__always)
private func forEachBand(rows: Int, columns: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    let maximum = max(1, 2048 / columns)
    var first = 0
    while first < rows {
        let count = min(maximum, rows - first)
        body(first, count)
        first += count
    }
}

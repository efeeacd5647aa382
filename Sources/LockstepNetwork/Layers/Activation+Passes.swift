import LockstepNumerics

// The passes over a layer's values that go with its matrix products. Each goes through memory once: what it does to a few
// rows, it does in plain loops one after the other while they are in the nearest cache. Loops over whole rows are too
// short to be vectorised well; those over an element's values alone run through the rows as one.

extension Activation {
    /// A layer's activations from its products, in place: `a = f(z + b)`.
    ///
    /// - Parameters:
    ///   - values: A · Wᵀ, [rows, columns], row-major; becomes the activations.
    ///   - biases: [columns].
    ///   - rows: Samples.
    ///   - columns: Neurons.
    ///   - weightedInputs: Receives z, [rows, columns], where the slope is computed from it.
    func forward(
        _ values: UnsafeMutablePointer<Float>, biases: UnsafePointer<Float>, rows: Int, columns: Int,
        keeping weightedInputs: UnsafeMutablePointer<Float>? = nil
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

    /// A hidden layer's errors and the gradient of its biases: `delta *= f'(z)`, and the sums of its columns.
    ///
    /// - Parameters:
    ///   - errors: The error passed back to the layer's activations, [rows, columns], row-major; becomes the derivative
    ///     of the cost with respect to z.
    ///   - source: What the slope is computed from, f(z) or z, [rows, columns], row-major.
    ///   - rows: Samples.
    ///   - columns: Neurons.
    ///   - accumulating: Adds to what `biasGradient` holds.
    ///   - biasGradient: [columns]; the rows are added in order.
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

/// Calls `body` with the first row and the number of rows of bands that are small enough for the nearest cache.
@inline(__always)
private func forEachBand(rows: Int, columns: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    let most = max(1, 2048 / columns)
    var first = 0
    while first < rows {
        let count = min(most, rows - first)
        body(first, count)
        first += count
    }
}

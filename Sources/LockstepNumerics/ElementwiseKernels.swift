// Plain loops over pointers that the compiler vectorises. Each element's result depends on its operands alone, and sums
// are added in the order given; so the bits do not depend on vector widths.

/// `destination += source`, element by element.
package func accumulate(_ source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { destination[i] += source[i] }
}

/// `destination = left + right`, element by element.
package func add(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>,
    count: Int
) {
    for i in 0..<count { destination[i] = left[i] + right[i] }
}

/// One step of gradient descent: `next = current - scale * sum`, element by element.
///
/// `next` is another buffer than `current`: loops whose pointers overlap are not vectorised.
package func descend(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, scale: Float,
    into next: UnsafeMutablePointer<Float>, count: Int
) {
    for i in 0..<count { next[i] = current[i] - scale * sum[i] }
}

/// Whether no element is infinite or not a number.
package func allFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
    // The exponent is all ones in exactly these; the loop has no exit, so that it is vectorised.
    var found: UInt32 = 0
    for i in 0..<count {
        let exponent = values[i].bitPattern & 0x7F80_0000
        found |= exponent == 0x7F80_0000 ? 1 : 0
    }
    return found == 0
}

/// Adds one row to every row of a matrix: a layer's biases to its products.
///
/// - Parameters:
///   - values: [columns].
///   - matrix: [rows, columns], row-major.
///   - rows: Rows of the matrix.
///   - columns: Columns of the matrix.
package func addRow(
    _ values: UnsafePointer<Float>, to matrix: UnsafeMutablePointer<Float>, rows: Int, columns: Int
) {
    var row = matrix
    for _ in 0..<rows {
        accumulate(values, into: row, count: columns)
        row += columns
    }
}

/// Sums of a matrix's columns, added row by row: the gradient of a layer's biases.
///
/// - Parameters:
///   - matrix: [rows, columns], row-major.
///   - rows: Rows of the matrix.
///   - columns: Columns of the matrix.
///   - accumulating: Adds to what `sums` holds.
///   - sums: [columns].
package func sumColumns(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, accumulating: Bool,
    into sums: UnsafeMutablePointer<Float>
) {
    if !accumulating { sums.update(repeating: 0, count: columns) }
    var row = matrix
    for _ in 0..<rows {
        accumulate(row, into: sums, count: columns)
        row += columns
    }
}

/// The errors of a hidden layer of sigmoids: `delta *= a (1 - a)`, element by element.
package func multiplyBySigmoidSlope(
    _ delta: UnsafeMutablePointer<Float>, activations: UnsafePointer<Float>, count: Int
) {
    for i in 0..<count {
        let a = activations[i]
        delta[i] *= a * (1 - a)
    }
}

import CKernels

// The element loops that a step spends most time in, compiled for several processors. Each element's result depends on
// its operands alone, and sums are added in the stated order: the bits do not depend on vector widths.

/// `destination += source`, element by element.
package func accumulate(_ source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int) {
    lockstep_accumulate(source, destination, count)
}

/// `destination = left + right`, element by element; `destination` may be `left`.
package func add(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>,
    count: Int
) {
    lockstep_add(left, right, destination, count)
}

/// Whether all elements are finite.
package func allFinite(_ values: UnsafePointer<Float>, count: Int) -> Bool {
    lockstep_all_finite(values, count)
}

/// Converts bytes to float32: `destination = scale * source`, element by element.
package func scaleBytes(
    _ source: UnsafePointer<UInt8>, by scale: Float, into destination: UnsafeMutablePointer<Float>, count: Int
) {
    lockstep_scale_bytes(source, scale, destination, count)
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
    lockstep_add_row(values, matrix, rows, columns)
}

/// Sums of a matrix's columns, added row by row: the gradient of a layer's biases.
///
/// - Parameters:
///   - matrix: [rows, columns], row-major.
///   - rows: Rows of the matrix.
///   - columns: Columns of the matrix.
///   - accumulating: Whether the sums are added to the content of `sums`.
///   - sums: [columns].
package func sumColumns(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, accumulating: Bool,
    into sums: UnsafeMutablePointer<Float>
) {
    if !accumulating { sums.update(repeating: 0, count: columns) }
    lockstep_add_rows(matrix, rows, columns, sums)
}

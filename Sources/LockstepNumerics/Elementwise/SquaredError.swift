/// The quadratic cost of a linear layer whose targets are numbers, and the layer's errors.
///
/// - Parameters:
///   - outputs: The weighted inputs, which are the outputs a, [rows, outputs], row-major.
///   - targets: y, [rows, outputs], row-major.
///   - rows: Samples.
///   - count: Outputs of a sample.
///   - delta: Receives a - y, the derivative of the cost with respect to the weighted inputs, [rows, outputs]; nil if the
///     caller does not need it.
/// - Returns: The sum over the rows of ½ ‖y - a‖², in double, added row by row.
package func squaredError(
    outputs: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, count: Int,
    delta: UnsafeMutablePointer<Float>?
) -> Double {
    var lossSum = 0.0
    for row in 0..<rows {
        var sum = 0.0
        for index in row * count..<(row + 1) * count {
            let difference = Double(outputs[index]) - Double(targets[index])
            sum += difference * difference
            delta?[index] = outputs[index] - targets[index]
        }
        lossSum += 0.5 * sum
    }
    return lossSum
}

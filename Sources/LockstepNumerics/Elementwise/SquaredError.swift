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

/// The quadratic cost of a sigmoid layer whose targets are given one by one, and the layer's errors.
///
/// Parameters and result as in ``squaredError(outputs:targets:rows:count:delta:)``; `outputs` are activations, and `delta`
/// receives (a - y) a (1 - a).
package func sigmoidSquaredError(
    outputs: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, count: Int,
    delta: UnsafeMutablePointer<Float>?
) -> Double {
    let lossSum = squaredError(outputs: outputs, targets: targets, rows: rows, count: count, delta: delta)
    if let delta { for index in 0..<rows * count { delta[index] *= outputs[index] * (1 - outputs[index]) } }
    return lossSum
}

/// The cross-entropy of a sigmoid layer whose targets are given one by one, and the layer's errors.
///
/// The sum over the rows of Σ_j (log(1 + exp(z_j)) - t_j z_j), in double, added row by row. `z` are the weighted inputs and are
/// replaced by the activations a; `delta` receives a - t, [rows, count].
package func sigmoidCrossEntropy(
    _ z: UnsafeMutablePointer<Float>, targets: UnsafePointer<Float>, rows: Int, count: Int,
    delta: UnsafeMutablePointer<Float>?
) -> Double {
    var lossSum = 0.0
    for row in 0..<rows {
        var sum = 0.0
        for index in row * count..<(row + 1) * count {
            let x = z[index]
            // log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
            let tail = 1 + Double(exponential(-x.magnitude))
            let rise = Double(x > 0 ? x : 0) + (tail.isNormal ? logarithm(tail) : tail)
            sum += rise - Double(targets[index]) * Double(x)
        }
        lossSum += sum
    }
    applySigmoid(z, count: rows * count)
    if let delta { for index in 0..<rows * count { delta[index] = z[index] - targets[index] } }
    return lossSum
}

/// The same cross-entropy of activations whose weighted inputs are not known; those near 0 and 1 count as
/// `sigmoidCrossEntropy(activations:labels:rows:outputs:)` counts them.
package func sigmoidCrossEntropy(
    activations: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, count: Int
) -> Double {
    var lossSum = 0.0
    for row in 0..<rows {
        var sum = 0.0
        for index in row * count..<(row + 1) * count {
            let (a, t) = (Double(activations[index]), Double(targets[index]))
            guard a.isFinite else { return .nan }
            sum -= t * logarithm(max(a, 0x1p-126)) + (1 - t) * logarithm(max(1 - a, 0x1p-25))
        }
        lossSum += sum
    }
    return lossSum
}

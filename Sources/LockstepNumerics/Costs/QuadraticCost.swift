/// The quadratic cost of a sigmoid layer, and the layer's errors.
///
/// The target y of a row is 1 at its label and 0 elsewhere; 0 everywhere if the label is not a column.
///
/// - Parameters:
///   - activations: a, [rows, outputs], row-major.
///   - labels: [rows].
///   - rows: Samples.
///   - outputs: Classes.
///   - delta: Receives (a - y) a (1 - a), the derivative of the cost with respect to the weighted inputs,
///     [rows, outputs].
/// - Returns: The sum over the rows of ½ ‖y - a‖², in double, added row by row.
package func quadraticCostAndDelta(
    activations: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int,
    delta: UnsafeMutablePointer<Float>
) -> Double {
    var lossSum = 0.0
    var activation = activations
    var error = delta
    for row in 0..<rows {
        lossSum += halfSquaredError(activation, label: Int(labels[row]), outputs: outputs)
        for j in 0..<outputs {
            let a = activation[j]
            error[j] = a * (a * (1 - a))
        }
        let label = Int(labels[row])
        if label < outputs {
            let a = activation[label]
            error[label] = (a - 1) * (a * (1 - a))
        }
        activation += outputs
        error += outputs
    }
    return lossSum
}

/// The sum over the rows of ½ ‖y - a‖², in double, added row by row; see ``quadraticCostAndDelta``.
package func quadraticCost(
    activations: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int
) -> Double {
    var lossSum = 0.0
    for row in 0..<rows {
        lossSum += halfSquaredError(activations + row &* outputs, label: Int(labels[row]), outputs: outputs)
    }
    return lossSum
}

/// ½ ‖y - a‖² of one row, in double, added column by column.
@inline(__always)
private func halfSquaredError(_ activation: UnsafePointer<Float>, label: Int, outputs: Int) -> Double {
    var sum = 0.0
    for j in 0..<outputs {
        let difference = Double(activation[j]) - (j == label ? 1 : 0)
        sum += difference * difference
    }
    return 0.5 * sum
}

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

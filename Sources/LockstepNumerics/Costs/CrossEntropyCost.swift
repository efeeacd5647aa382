/// The target outputs of a row: `hit` at its label and `miss` elsewhere; `miss` everywhere if the label is not a column.
///
/// With label smoothing ε over K classes the target is (1 - ε) y + ε / K. Szegedy et al., "Rethinking the Inception
/// architecture for computer vision", CVPR 2016.
package struct ClassTargets: Sendable {
    let hit: Float
    let miss: Float

    package init(smoothing: Double = 0, classes: Int) {
        miss = Float(smoothing / Double(classes))
        hit = Float(1 - smoothing + smoothing / Double(classes))
    }
}

/// Softmax in place: `z_j = exp(z_j) / Σ exp(z_k)` in each row, after the row's maximum is subtracted from z.
///
/// - Parameters:
///   - z: Weighted inputs, replaced by activations, [rows, outputs], row-major.
///   - rows: Samples.
///   - outputs: Classes.
///   - logarithms: Receives log Σ exp(z_k) of each row's weighted inputs, [rows]; nil if the caller does not need it.
package func applySoftmax(
    _ z: UnsafeMutablePointer<Float>, rows: Int, outputs: Int, logarithms: UnsafeMutablePointer<Double>? = nil
) {
    var row = z
    for r in 0..<rows {
        var largest = row[0]
        for j in 1..<max(1, outputs) { largest = row[j] > largest ? row[j] : largest }
        for j in 0..<outputs { row[j] -= largest }
        logarithms?[r] = Double(largest)
        row += outputs
    }
    applyExponential(z, count: rows * outputs)
    row = z
    for r in 0..<rows {
        var sum = 0.0
        for j in 0..<outputs { sum += Double(row[j]) }
        let scale = Float(1 / sum)
        for j in 0..<outputs { row[j] *= scale }
        if let logarithms { logarithms[r] += sum.isNormal ? logarithm(sum) : sum }
        row += outputs
    }
}

/// The cross-entropy of a softmax layer: the sum over the rows of Σ_j t_j (log Σ exp(z_k) - z_j), in double, added row
/// by row.
///
/// - Parameters:
///   - z: The weighted inputs, replaced by the activations a, [rows, outputs], row-major.
///   - labels: [rows].
///   - rows: Samples.
///   - outputs: Classes.
///   - targets: t.
///   - logarithms: Scratch memory, [2, rows].
///   - delta: Receives a - t, the derivative of the cost with respect to the weighted inputs, [rows, outputs]; nil if
///     the caller does not need it.
/// - Returns: The sum of the rows' losses.
package func softmaxCrossEntropy(
    _ z: UnsafeMutablePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int, targets: ClassTargets,
    logarithms: UnsafeMutablePointer<Double>, delta: UnsafeMutablePointer<Float>?
) -> Double {
    let (hit, miss) = (Double(targets.hit), Double(targets.miss))
    let missTotal = miss * Double(outputs)
    // -Σ t_j z_j of each row, before softmax overwrites z.
    var lossSum = 0.0
    var products = logarithms
    var row = UnsafePointer(z)
    for r in 0..<rows {
        let label = Int(labels[r])
        var product = 0.0
        if miss != 0 {
            for j in 0..<outputs { product -= Double(row[j]) }
            product *= miss
        }
        if label < outputs { product -= (hit - miss) * Double(row[label]) }
        products[0] = product
        products += 1
        row += outputs
    }
    let sums = products
    applySoftmax(z, rows: rows, outputs: outputs, logarithms: sums)
    for r in 0..<rows {
        let total = Int(labels[r]) < outputs ? missTotal + (hit - miss) : missTotal
        lossSum += total * sums[r] + logarithms[r]
    }
    if let delta { subtractTargets(targets, labels: labels, from: z, rows: rows, outputs: outputs, into: delta) }
    return lossSum
}

/// The cross-entropy of a sigmoid layer: the sum over the rows of Σ_j (log(1 + exp(z_j)) - t_j z_j), in double, added row
/// by row. It equals -Σ_j (t_j log a_j + (1 - t_j) log(1 - a_j)), without the logarithm of a saturated activation.
///
/// Parameters and result as in ``softmaxCrossEntropy``.
package func sigmoidCrossEntropy(
    _ z: UnsafeMutablePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int, targets: ClassTargets,
    delta: UnsafeMutablePointer<Float>?
) -> Double {
    var lossSum = 0.0
    var row = UnsafePointer(z)
    for r in 0..<rows {
        var sum = 0.0
        for j in 0..<outputs {
            let x = row[j]
            let target = j == Int(labels[r]) ? targets.hit : targets.miss
            // log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
            let tail = 1 + Double(exponential(-x.magnitude))
            let rise = Double(x > 0 ? x : 0) + (tail.isNormal ? logarithm(tail) : tail)
            sum += rise - Double(target) * Double(x)
        }
        lossSum += sum
        row += outputs
    }
    applySigmoid(z, count: rows * outputs)
    if let delta { subtractTargets(targets, labels: labels, from: z, rows: rows, outputs: outputs, into: delta) }
    return lossSum
}

/// The cross-entropy of probabilities whose weighted inputs are not known: the sum over the rows of -log a at the label, in
/// double, added row by row.
///
/// Softmax in float32 gives 0 for a probability below the smallest normal float, 2^-126. So a smaller one counts as that: no
/// loss exceeds 87.4.
///
/// - Parameters:
///   - activations: a, [rows, outputs], row-major.
///   - labels: [rows]; a label that is no column adds nothing.
///   - rows: Samples.
///   - outputs: Classes.
/// - Returns: The sum of the rows' losses.
package func softmaxCrossEntropy(
    activations: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int
) -> Double {
    var lossSum = 0.0
    for r in 0..<rows where Int(labels[r]) < outputs {
        lossSum += negativeLogarithm(Double(activations[r * outputs + Int(labels[r])]), floor: smallestOutput)
    }
    return lossSum
}

/// The cross-entropy of sigmoids whose weighted inputs are not known: the sum over the rows of
/// -Σ_j (t_j log a_j + (1 - t_j) log(1 - a_j)), in double, added row by row.
///
/// An activation below 2^-126 counts as 2^-126, and one above 1 - 2^-25, which float32 rounds to 1, as 1 - 2^-25.
///
/// - Parameters:
///   - activations: a, [rows, outputs], row-major.
///   - labels: [rows]; the target is 0 everywhere if the label is no column.
///   - rows: Samples.
///   - outputs: Classes.
/// - Returns: The sum of the rows' losses.
package func sigmoidCrossEntropy(
    activations: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int
) -> Double {
    var lossSum = 0.0
    for r in 0..<rows {
        var sum = 0.0
        for j in 0..<outputs {
            let a = Double(activations[r * outputs + j])
            sum +=
                j == Int(labels[r])
                ? negativeLogarithm(a, floor: smallestOutput) : negativeLogarithm(1 - a, floor: 0x1p-25)
        }
        lossSum += sum
    }
    return lossSum
}

/// The smallest output that float32 holds without losing digits.
private let smallestOutput = Double(Float.leastNormalMagnitude)

/// -log p, or -log floor if p is smaller than floor; NaN if p is NaN or infinite.
private func negativeLogarithm(_ p: Double, floor: Double) -> Double {
    p.isFinite ? -logarithm(max(p, floor)) : .nan
}

/// `delta = a - t`, [rows, outputs].
private func subtractTargets(
    _ targets: ClassTargets, labels: UnsafePointer<UInt16>, from activations: UnsafePointer<Float>, rows: Int,
    outputs: Int, into delta: UnsafeMutablePointer<Float>
) {
    for i in 0..<rows * outputs { delta[i] = activations[i] - targets.miss }
    for r in 0..<rows {
        let label = Int(labels[r])
        if label < outputs { delta[r * outputs + label] = activations[r * outputs + label] - targets.hit }
    }
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

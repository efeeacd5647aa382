/// What the outputs for a row should be: `hit` at its label and `miss` elsewhere; `miss` everywhere for a label that is
/// no column.
///
/// With label smoothing ε over K classes the target is (1 - ε) y + ε / K. Szegedy et al., "Rethinking the Inception
/// architecture for computer vision", CVPR 2016.
package struct ClassTargets: Sendable {
    package let hit: Float
    package let miss: Float

    package init(smoothing: Double = 0, classes: Int) {
        miss = Float(smoothing / Double(classes))
        hit = Float(1 - smoothing + smoothing / Double(classes))
    }
}

/// Softmax in place: `z_j = exp(z_j) / Σ exp(z_k)` in each row, where z is shifted by the row's largest first.
///
/// - Parameters:
///   - z: Weighted inputs, becomes activations, [rows, outputs], row-major.
///   - rows: Samples.
///   - outputs: Classes.
///   - logarithms: Becomes log Σ exp(z_k) of the weighted inputs of each row, [rows]; nil if they are not wanted.
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

/// The cross-entropy of a layer of softmax: the sum over the rows of Σ_j t_j (log Σ exp(z_k) - z_j), in double, added
/// row by row.
///
/// - Parameters:
///   - z: The weighted inputs; become the activations a, [rows, outputs], row-major.
///   - labels: [rows].
///   - rows: Samples.
///   - outputs: Classes.
///   - targets: t.
///   - logarithms: Room for two numbers a row, [2, rows].
///   - delta: Becomes a - t, the derivative of the cost with respect to the weighted inputs, [rows, outputs]; nil if it
///     is not wanted.
/// - Returns: The sum of the rows' costs.
package func softmaxCrossEntropy(
    _ z: UnsafeMutablePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int, targets: ClassTargets,
    logarithms: UnsafeMutablePointer<Double>, delta: UnsafeMutablePointer<Float>?
) -> Double {
    let (hit, miss) = (Double(targets.hit), Double(targets.miss))
    let missing = miss * Double(outputs)
    // What the targets take from the weighted inputs, before softmax overwrites them. `taken` is -Σ t_j z_j.
    var cost = 0.0
    var takings = logarithms
    var row = UnsafePointer(z)
    for r in 0..<rows {
        let label = Int(labels[r])
        var taken = 0.0
        if miss != 0 {
            for j in 0..<outputs { taken -= Double(row[j]) }
            taken *= miss
        }
        if label < outputs { taken -= (hit - miss) * Double(row[label]) }
        takings[0] = taken
        takings += 1
        row += outputs
    }
    let sums = takings
    applySoftmax(z, rows: rows, outputs: outputs, logarithms: sums)
    for r in 0..<rows {
        let total = Int(labels[r]) < outputs ? missing + (hit - miss) : missing
        cost += total * sums[r] + logarithms[r]
    }
    if let delta { subtractTargets(targets, labels: labels, from: z, rows: rows, outputs: outputs, into: delta) }
    return cost
}

/// The cross-entropy of a layer of sigmoids: the sum over the rows of Σ_j (log(1 + exp(z_j)) - t_j z_j), in double,
/// added row by row; that is -Σ_j t_j log a_j + (1 - t_j) log(1 - a_j), without the logarithm of a saturated activation.
///
/// Parameters and result are those of ``softmaxCrossEntropy``.
package func sigmoidCrossEntropy(
    _ z: UnsafeMutablePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, outputs: Int, targets: ClassTargets,
    delta: UnsafeMutablePointer<Float>?
) -> Double {
    var cost = 0.0
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
        cost += sum
        row += outputs
    }
    applySigmoid(z, count: rows * outputs)
    if let delta { subtractTargets(targets, labels: labels, from: z, rows: rows, outputs: outputs, into: delta) }
    return cost
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

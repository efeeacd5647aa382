// Elementwise updates of the weights. Plain loops over pointers that do not overlap, which the compiler vectorises; an
// element's result depends on its operands alone, so ranges can be updated in any order.

/// Gradient descent with weight decay: `next = current - rate (mean sum + decay current)`, element by element.
package func descend(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, mean: Float, decay: Float, rate: Float,
    into next: UnsafeMutablePointer<Float>, count: Int
) {
    for i in 0..<count {
        let w = current[i]
        next[i] = w - rate * (mean * sum[i] + decay * w)
    }
}

/// Gradient descent with momentum, element by element.
///
/// - Parameters:
///   - current: w before the step.
///   - sum: The gradient's sum.
///   - mean: What makes a mean of the sum, 1/m.
///   - decay: λ.
///   - momentum: μ.
///   - rate: η.
///   - nesterov: Whether the step looks ahead: `w - η (d + μ v)` instead of `w - η v`.
///   - velocity: Becomes `v = μ v + d` with `d = mean sum + λ w`.
///   - next: Receives w after the step.
///   - count: Elements.
package func descendWithMomentum(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, mean: Float, decay: Float, momentum: Float,
    rate: Float, nesterov: Bool, velocity: UnsafeMutablePointer<Float>, into next: UnsafeMutablePointer<Float>,
    count: Int
) {
    if nesterov {
        for i in 0..<count {
            let w = current[i]
            let d = mean * sum[i] + decay * w
            let v = momentum * velocity[i] + d
            velocity[i] = v
            next[i] = w - rate * (d + momentum * v)
        }
    } else {
        for i in 0..<count {
            let w = current[i]
            let v = momentum * velocity[i] + (mean * sum[i] + decay * w)
            velocity[i] = v
            next[i] = w - rate * v
        }
    }
}

/// What Adam's step has in common for all elements.
package struct AdamTerms: Sendable {
    /// 1/m.
    var mean: Float
    var beta1: Float
    var oneMinusBeta1: Float
    var beta2: Float
    var oneMinusBeta2: Float
    /// η / (1 - β1^t).
    var rate: Float
    /// 1 / √(1 - β2^t).
    var rootScale: Float
    var epsilon: Float

    package init(
        mean: Float = 1, beta1: Float = 0, oneMinusBeta1: Float = 1, beta2: Float = 0, oneMinusBeta2: Float = 1,
        rate: Float = 0, rootScale: Float = 1, epsilon: Float = 1
    ) {
        self.mean = mean
        self.beta1 = beta1
        self.oneMinusBeta1 = oneMinusBeta1
        self.beta2 = beta2
        self.oneMinusBeta2 = oneMinusBeta2
        self.rate = rate
        self.rootScale = rootScale
        self.epsilon = epsilon
    }
}

/// Adam's step, element by element.
///
/// - Parameters:
///   - current: w before the step.
///   - sum: The gradient's sum.
///   - terms: The step's constants.
///   - decay: What is left of a weight, 1 - ηλ.
///   - firstMoment: Becomes `m = β1 m + (1 - β1) g`.
///   - secondMoment: Becomes `v = β2 v + (1 - β2) g²`.
///   - next: Receives `decay w - rate m / (√v rootScale + ε)`.
///   - count: Elements.
package func adamStep(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, _ terms: AdamTerms, decay: Float,
    firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>,
    into next: UnsafeMutablePointer<Float>, count: Int
) {
    for i in 0..<count {
        let g = terms.mean * sum[i]
        let m = terms.beta1 * firstMoment[i] + terms.oneMinusBeta1 * g
        let v = terms.beta2 * secondMoment[i] + terms.oneMinusBeta2 * (g * g)
        firstMoment[i] = m
        secondMoment[i] = v
        next[i] = decay * current[i] - terms.rate * (m / (v.squareRoot() * terms.rootScale + terms.epsilon))
    }
}

/// A moving average of the weights: `average = keep average + take weights`, element by element.
package func moveAverage(
    _ average: UnsafeMutablePointer<Float>, towards weights: UnsafePointer<Float>, keep: Float, take: Float, count: Int
) {
    for i in 0..<count { average[i] = keep * average[i] + take * weights[i] }
}

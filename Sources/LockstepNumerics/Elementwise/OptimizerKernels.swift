import CKernels

// Elementwise updates of the weights. An element's result depends on its operands alone, so ranges can be updated in any
// order.
//
// Each function reads the weights before the step from `current` and the gradient's sum from `sum`, and writes the
// weights after the step to `next`. `next` is not `current`, but may be `sum`. Each returns an ``UpdateCheck``.

/// Sums of bit patterns, modulo 2^32, of the weights and of the optimizer's memory.
///
/// A sum does not depend on the order of the elements, and one changed bit changes it.
package struct BitSums: Hashable, Sendable {
    package var weights: UInt32
    package var state: UInt32

    package init(weights: UInt32 = 0, state: UInt32 = 0) {
        self.weights = weights
        self.state = state
    }

    package static func + (left: BitSums, right: BitSums) -> BitSums {
        BitSums(weights: left.weights &+ right.weights, state: left.state &+ right.state)
    }
}

/// What an update has seen of the memory that it reads and writes.
///
/// What one step writes the next step reads: if the sums differ, the memory has changed by itself.
package struct UpdateCheck: Hashable, Sendable {
    /// Whether everything that was written is finite.
    package var isFinite = true
    /// Of what was read and is to be replaced: the weights before the step and the optimizer's memory.
    package var read = BitSums()
    package var written = BitSums()

    package init() {}

    fileprivate init(_ check: lockstep_update_check) {
        isFinite = check.largest < Float.infinity.bitPattern
        read = BitSums(weights: check.weights_read, state: check.state_read)
        written = BitSums(weights: check.weights_written, state: check.state_written)
    }

    /// The check of an update in two parts.
    package static func + (left: UpdateCheck, right: UpdateCheck) -> UpdateCheck {
        var sum = left
        sum.isFinite = left.isFinite && right.isFinite
        sum.read = left.read + right.read
        sum.written = left.written + right.written
        return sum
    }

    package static func += (left: inout UpdateCheck, right: UpdateCheck) {
        left = left + right
    }
}

/// The sum of the elements' bit patterns, as in ``BitSums``.
package func sumBits(_ values: UnsafePointer<Float>, count: Int) -> UInt32 {
    lockstep_sum_bits(values, count)
}

/// Gradient descent: `next = current - scale * sum`, element by element.
package func descend(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, scale: Float,
    into next: UnsafeMutablePointer<Float>, count: Int
) -> UpdateCheck {
    UpdateCheck(lockstep_descend(current, sum, scale, next, count))
}

/// Gradient descent with weight decay: `next = current - rate (mean sum + decay current)`, element by element.
package func descend(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, mean: Float, decay: Float, rate: Float,
    into next: UnsafeMutablePointer<Float>, count: Int
) -> UpdateCheck {
    UpdateCheck(lockstep_descend_decaying(current, sum, mean, decay, rate, next, count))
}

/// Gradient descent with momentum, element by element.
///
/// - Parameters:
///   - current: w before the step.
///   - sum: The gradient's sum.
///   - mean: The factor that turns the sum into a mean, 1/m.
///   - decay: λ.
///   - momentum: μ.
///   - rate: η.
///   - nesterov: Whether the step looks ahead: `w - η (d + μ v)` instead of `w - η v`.
///   - velocity: v, updated to `v = μ v + d` with `d = mean sum + λ w`.
///   - next: Receives w after the step.
///   - count: Elements.
/// - Returns: What was read and written.
package func descendWithMomentum(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, mean: Float, decay: Float, momentum: Float,
    rate: Float, nesterov: Bool, velocity: UnsafeMutablePointer<Float>, into next: UnsafeMutablePointer<Float>,
    count: Int
) -> UpdateCheck {
    UpdateCheck(
        lockstep_descend_with_momentum(current, sum, mean, decay, momentum, rate, nesterov, velocity, next, count))
}

/// What all elements of a step of Adam share.
package struct AdamCoefficients: Sendable {
    fileprivate var values: lockstep_adam_coefficients

    /// - Parameters:
    ///   - mean: 1/m.
    ///   - beta1: β1.
    ///   - oneMinusBeta1: 1 - β1.
    ///   - beta2: β2.
    ///   - oneMinusBeta2: 1 - β2.
    ///   - rate: η / (1 - β1^t).
    ///   - rootScale: 1 / √(1 - β2^t).
    ///   - epsilon: ε.
    package init(
        mean: Float = 1, beta1: Float = 0, oneMinusBeta1: Float = 1, beta2: Float = 0, oneMinusBeta2: Float = 1,
        rate: Float = 0, rootScale: Float = 1, epsilon: Float = 1
    ) {
        values = lockstep_adam_coefficients(
            mean: mean, beta1: beta1, one_minus_beta1: oneMinusBeta1, beta2: beta2, one_minus_beta2: oneMinusBeta2,
            rate: rate, root_scale: rootScale, epsilon: epsilon)
    }
}

/// Adam's step, element by element.
///
/// - Parameters:
///   - current: w before the step.
///   - sum: The gradient's sum.
///   - coefficients: What all elements of the step share.
///   - decay: The factor of weight decay, 1 - ηλ.
///   - firstMoment: m, updated to `m = β1 m + (1 - β1) g`.
///   - secondMoment: v, updated to `v = β2 v + (1 - β2) g²`.
///   - next: Receives `decay w - rate m / (√v rootScale + ε)`.
///   - count: Elements.
/// - Returns: What was read and written.
package func adamStep(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, _ coefficients: AdamCoefficients, decay: Float,
    firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>,
    into next: UnsafeMutablePointer<Float>, count: Int
) -> UpdateCheck {
    UpdateCheck(lockstep_adam_step(current, sum, coefficients.values, decay, firstMoment, secondMoment, next, count))
}

/// What all elements of a step of RMSprop share.
package struct RMSpropCoefficients: Sendable {
    fileprivate var values: lockstep_rmsprop_coefficients

    /// - Parameters:
    ///   - mean: 1/m.
    ///   - alpha: α.
    ///   - oneMinusAlpha: 1 - α.
    ///   - epsilon: ε.
    ///   - momentum: μ.
    ///   - rate: η.
    package init(
        mean: Float = 1, alpha: Float = 0, oneMinusAlpha: Float = 1, epsilon: Float = 1, momentum: Float = 0,
        rate: Float = 0
    ) {
        values = lockstep_rmsprop_coefficients(
            mean: mean, alpha: alpha, one_minus_alpha: oneMinusAlpha, epsilon: epsilon, momentum: momentum, rate: rate)
    }
}

/// RMSprop's step, element by element.
///
/// - Parameters:
///   - current: w before the step.
///   - sum: The gradient's sum.
///   - coefficients: What all elements of the step share.
///   - decay: λ.
///   - meanSquare: v, updated to `v = α v + (1 - α) d²` with `d = mean sum + λ w`.
///   - velocity: u, updated to `u = μ u + d / (√v + ε)`; nil without momentum: u is the quotient.
///   - next: Receives `w - η u`.
///   - count: Elements.
/// - Returns: What was read and written.
package func rmsPropStep(
    from current: UnsafePointer<Float>, along sum: UnsafePointer<Float>, _ coefficients: RMSpropCoefficients,
    decay: Float, meanSquare: UnsafeMutablePointer<Float>, velocity: UnsafeMutablePointer<Float>?,
    into next: UnsafeMutablePointer<Float>, count: Int
) -> UpdateCheck {
    guard let velocity else {
        return UpdateCheck(
            lockstep_rmsprop_step(current, sum, coefficients.values, decay, meanSquare, next, count))
    }
    return UpdateCheck(
        lockstep_rmsprop_step_with_momentum(
            current, sum, coefficients.values, decay, meanSquare, velocity, next, count))
}

/// An exponential moving average of the weights: `average = decay average + oneMinusDecay weights`, element by element.
package func updateAverage(
    _ average: UnsafeMutablePointer<Float>, with weights: UnsafePointer<Float>, decay: Float, oneMinusDecay: Float,
    count: Int
) -> UpdateCheck {
    UpdateCheck(lockstep_update_average(weights, decay, oneMinusDecay, average, count))
}

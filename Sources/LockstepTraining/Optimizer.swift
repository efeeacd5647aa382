import LockstepNumerics

/// The rule that turns a mini-batch's gradient sum into new weights.
package enum Optimizer: Sendable {
    /// Plain stochastic gradient descent: w -> w - η/m Σ ∇C.
    case sgd(learningRate: Double)

    package init(_ configuration: OptimizerConfiguration) {
        switch configuration {
        case .sgd(let learningRate): self = .sgd(learningRate: learningRate)
        }
    }

    /// Updates a range of the weights.
    ///
    /// - Parameters:
    ///   - next: Receives the range's new weights.
    ///   - current: The range's weights.
    ///   - sum: The gradient, summed over the mini-batch.
    ///   - count: Elements of the range.
    ///   - samples: Samples of the mini-batch, m.
    func update(
        _ next: UnsafeMutablePointer<Float>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        count: Int, samples: Int
    ) {
        switch self {
        case .sgd(let learningRate):
            let scale = Float(learningRate / Double(samples))
            descend(from: current, along: sum, scale: scale, into: next, count: count)
        }
    }
}

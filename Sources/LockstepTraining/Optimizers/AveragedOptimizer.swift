package import LockstepNumerics

/// Keeps a moving average of the weights that another optimizer computes; the average is evaluated and saved.
///
///     average = k average + (1 - k) w      where k = min(maximumDecay, t / (t + 10)) for the step t = 0, 1, ...
///
/// At first k is small, so that the initial weights are soon forgotten. Polyak and Juditsky, "Acceleration of stochastic
/// approximation by averaging", 1992, in its exponential form.
package final class AveragedOptimizer: Optimizer {
    private let base: any Optimizer
    private let maximumDecay: Double
    private let average: FloatBuffer
    /// k and 1 - k of the current step.
    private var decay: Float = 0
    private var oneMinusDecay: Float = 1

    /// - Parameters:
    ///   - base: Updates the weights.
    ///   - decay: What a step keeps of the average, 0..<1.
    ///   - count: The number of parameters.
    package init(_ base: any Optimizer, decay: Double, count: Int) {
        self.base = base
        self.maximumDecay = decay
        self.average = FloatBuffer(count: count)
    }

    package var stateBuffers: [(name: String, buffer: FloatBuffer)] {
        base.stateBuffers + [("average", average)]
    }

    package var stateScalars: [String: Double] {
        get { base.stateScalars }
        set { base.stateScalars = newValue }
    }

    package var averagedWeights: FloatBuffer? { average }

    package func beginStep(_ step: UInt64, samples: Int) {
        base.beginStep(step, samples: samples)
        let t = Double(step)
        let k = min(maximumDecay, t / (t + 10))
        (decay, oneMinusDecay) = (Float(k), Float(1 - k))
    }

    package func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> UpdateCheck {
        base.update(range, from: current, sum: sum, into: next)
            + updateAverage(
                average.pointer + range.lowerBound, with: next + range.lowerBound, decay: decay,
                oneMinusDecay: oneMinusDecay, count: range.count)
    }
}

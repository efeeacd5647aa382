package import LockstepNumerics

/// Another optimizer, whose weights are averaged over the steps: what is evaluated and saved is the average.
///
///     average = k average + (1 - k) w      where k = min(decay, t / (t + 10)) for the step t = 0, 1, ...
///
/// At first k is small, so that the initial weights are soon forgotten. Polyak and Juditsky, "Acceleration of stochastic
/// approximation by averaging", 1992, in its exponential form.
package final class AveragedOptimizer: Optimizer {
    private let base: any Optimizer
    private let decay: Double
    private let average: FloatBuffer
    private var keep: Float = 0
    private var take: Float = 1

    /// - Parameters:
    ///   - base: The rule that updates the weights.
    ///   - decay: What is kept of the average in a step, 0..<1.
    ///   - count: Parameters.
    package init(_ base: any Optimizer, decay: Double, count: Int) {
        self.base = base
        self.decay = decay
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
        let kept = min(decay, t / (t + 10))
        (keep, take) = (Float(kept), Float(1 - kept))
    }

    package func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> Bool {
        let isFinite = base.update(range, from: current, sum: sum, into: next)
        updateAverage(
            average.pointer + range.lowerBound, with: next + range.lowerBound, decay: keep, oneMinusDecay: take,
            count: range.count)
        return isFinite
    }
}

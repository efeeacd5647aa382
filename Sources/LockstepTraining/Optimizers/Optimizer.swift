package import LockstepNumerics

/// Computes new weights from a mini-batch's gradient sum.
///
/// A step is one ``beginStep(_:samples:)`` and then one update of every element range, in any order, from one thread.
/// No step allocates.
package protocol Optimizer: AnyObject {
    /// The state for each parameter, such as momentum, in the parameters' layout. The buffers stay the same while the
    /// optimizer exists; a checkpoint saves and restores their contents between steps.
    var stateBuffers: [(name: String, buffer: FloatBuffer)] { get }
    /// The state that is one number. Setting it, as a checkpoint does, ignores names that the optimizer does not know.
    var stateScalars: [String: Double] { get set }
    /// The weights to evaluate and to save as the model; nil if they are the weights that are trained.
    var averagedWeights: FloatBuffer? { get }

    /// Prepares the update by a mini-batch's gradient.
    ///
    /// - Parameters:
    ///   - step: Counted from 0 over the whole run.
    ///   - samples: The mini-batch's size, m.
    func beginStep(_ step: UInt64, samples: Int)

    /// Updates a range of the weights.
    ///
    /// - Parameters:
    ///   - range: Elements of the parameter buffer.
    ///   - current: All weights before the step.
    ///   - sum: The range's gradient, summed over the mini-batch, [range.count]; it may lie in the range of `next`.
    ///   - next: All weights after the step; the range is written.
    /// - Returns: What was read and written, of the weights and of the state.
    func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> UpdateCheck
}

extension Optimizer {
    package var averagedWeights: FloatBuffer? { nil }
}

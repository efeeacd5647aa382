package import LockstepNumerics

/// The rule that turns a mini-batch's gradient sum into new weights.
///
/// A step is one ``beginStep(_:samples:)`` and then one update of every element range, in any order, from one thread.
/// No step allocates.
package protocol Optimizer: AnyObject {
    /// What the rule remembers about each parameter, in the parameters' layout. The buffers stay the same ones for the
    /// optimizer's life; a checkpoint saves and restores their contents between steps.
    var stateBuffers: [(name: String, buffer: FloatBuffer)] { get }
    /// What the rule remembers besides. A checkpoint sets what it has read; names that the rule does not have are
    /// passed over.
    var stateScalars: [String: Double] { get set }
    /// The weights to evaluate and to save as the model where they are not the ones that training goes on with.
    var averagedWeights: FloatBuffer? { get }

    /// Prepares an update by the gradient of a mini-batch.
    ///
    /// - Parameters:
    ///   - step: Counted from 0 over the whole run.
    ///   - samples: Samples of the mini-batch, m.
    func beginStep(_ step: UInt64, samples: Int)

    /// Updates a range of the weights.
    ///
    /// - Parameters:
    ///   - range: Elements of the parameter buffer.
    ///   - current: All weights before the step.
    ///   - sum: The range's gradient, summed over the mini-batch, [range.count]; it may lie in the range of `next`.
    ///   - next: All weights after the step; the range is written.
    /// - Returns: Whether all new weights are finite: no infinity, nothing that is not a number.
    func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> Bool
}

extension Optimizer {
    package var averagedWeights: FloatBuffer? { nil }
}

package import LockstepCompute
package import LockstepNumerics

/// What a run trains: a loss as a function of parameters and labelled samples, with its gradient.
///
/// A model is a description; the work is done by a ``ModelComputer``, one per thread. Everything above this protocol, from
/// the training step to the cluster, knows segments of parameters and blocks of samples, and no layers.
package protocol Model: Sendable {
    /// Where each parameter lies in the one buffer, and in which segments gradients become final.
    var layout: ParameterLayout { get }
    /// Values of a sample.
    var inputs: Int { get }
    /// Scores that the model gives to a sample: one for each class.
    var outputs: Int { get }
    /// The classes that the model can answer with: as many as it has outputs, unless several outputs name one class.
    var answers: Int { get }
    /// Whether the outputs are numbers that are compared with the samples' targets, and no classes.
    var predictsNumbers: Bool { get }
    /// The most samples that are computed in one pass.
    ///
    /// It is part of the arithmetic, because the rounding of a sample's values may depend on how many samples share a pass:
    /// it follows from the model alone, never from the machine.
    var blockRows: Int { get }
    /// Floating-point operations in the products and convolutions of one sample: in its forward pass, and in its forward and
    /// backward passes together.
    var flops: (forward: Int, gradient: Int) { get }

    /// Bytes that a computer of this model takes for blocks of so many samples, without parameters and gradients.
    func workspaceBytes(rows: Int) -> Int

    /// Writes the initial parameters.
    ///
    /// - Parameters:
    ///   - seed: The run's seed.
    ///   - parameters: Receives the parameters: at least `layout.count` floats.
    func initialize(seed: UInt64, into parameters: FloatBuffer)

    /// Makes the workspace of one thread.
    ///
    /// - Parameters:
    ///   - seed: The run's seed, for random numbers of training.
    ///   - library: Computes products and convolutions.
    ///   - maximumRows: The most samples of a block, at most ``blockRows``.
    /// - Returns: A computer that has no weights yet.
    /// - Throws: `ComputeError` if the compute library is needed and cannot be used.
    func makeComputer(seed: UInt64, library: ComputeLibrary, maximumRows: Int) throws -> any ModelComputer
}

package import LockstepCompute
import LockstepModel
import LockstepNumerics

/// Computes one layer's passes over blocks of samples, for one thread, in memory that never moves.
package protocol LayerComputer: AnyObject {
    /// Gets ready for blocks of this many rows.
    func prepare(rows: Int) throws(ComputeError)

    /// Takes over the parameters' values, where the layer keeps them in another order.
    func load(weights: UnsafePointer<Float>)

    /// Computes the layer's output from its input.
    func forward(_ block: Block)

    /// Computes the gradient of the layer's parameters from the errors of its output. It may change these errors.
    ///
    /// - Parameters:
    ///   - block: The block of the last forward pass.
    ///   - gradient: Receives the layer's part of the gradient; it is the gradient of all parameters.
    ///   - accumulating: Whether the sum is added to the content of `gradient`.
    func parameterGradient(
        _ block: Block, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool)

    /// Computes the errors of the layer's input from those of its output, after the gradient of its parameters.
    func inputErrors(_ block: Block)
}

extension LayerComputer {
    package func prepare(rows: Int) throws(ComputeError) {}
    package func load(weights: UnsafePointer<Float>) {}
    package func parameterGradient(
        _ block: Block, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool
    ) {}
}

/// A block of samples in a pass through the network.
package struct Block {
    /// The number of samples.
    package let rows: Int
    /// All parameters.
    let weights: UnsafePointer<Float>
    /// The epoch of training; nil in an evaluation, where nothing is dropped.
    let epoch: UInt32?
    /// The samples' indices in the data set, [rows].
    let samples: UnsafePointer<UInt32>
    /// The samples as bytes; nil if the network's inputs are floats.
    let bytes: ByteRows?
}

/// What a layer's computer is made from.
package struct LayerContext {
    /// The layout of the layer's input.
    let input: ActivationLayout
    /// The layout of its output.
    let output: ActivationLayout
    /// The input of a block, [maximumRows, input.count].
    let source: UnsafeMutablePointer<Float>
    /// The output of a block, [maximumRows, output.count].
    let destination: UnsafeMutablePointer<Float>
    /// The derivative of the loss with respect to the input, [maximumRows, input.count]; nil if no layer needs it.
    let inputErrors: UnsafeMutablePointer<Float>?
    /// The derivative of the loss with respect to the output, [maximumRows, output.count].
    let outputErrors: UnsafeMutablePointer<Float>
    /// The largest number of samples in a block.
    let maximumRows: Int
    /// The places of the layer's parameters, in the order of ``LayerKind/parameters(of:)``.
    let parameters: [Range<Int>]
    /// The activation that the layer computes too, if it can and one follows it.
    let activation: Activation?
    /// Whether the layer is the first: it reads the samples, as floats or as bytes.
    let readsSamples: Bool
    /// A number of the layer, below 2^12, from which its random numbers are derived.
    let position: Int
    let library: ComputeLibrary
    /// For all dense layers of the network.
    let products: MatrixProducts
    let random: Philox
}

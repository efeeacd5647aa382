package import LockstepCompute
package import LockstepConfiguration

/// A kind of layer with its settings, as the configuration names it: a value, from which the computing part is made.
///
/// A kind is one file, which has its keys, its shapes, its parameters, its forward and backward passes and its forms in
/// exports, and one row of the registry ``Layer/kinds``.
package protocol LayerKind: ConfigurationKind {
    /// What the layer does, as one phrase in Markdown.
    static var meaning: String { get }
    /// The key whose value may stand for all: `{ dense: 10 }`; nil if there is none.
    static var shortKey: String? { get }
    /// Whether the layer can compute an activation that follows it in its own passes.
    static var fusesActivation: Bool { get }

    /// The shape of a sample after the layer.
    ///
    /// - Throws: ``LayerProblem`` if the layer cannot follow values of this shape.
    func outputShape(of input: Shape) throws(LayerProblem) -> Shape

    /// The layer's parameters, in the order of the buffer; none for layers that learn nothing.
    func parameters(of input: Shape) -> [LayerParameter]

    /// Floating-point operations in the products and convolutions of the forward pass for one sample.
    func flops(of input: Shape) -> Int

    /// Bytes that the layer keeps from the forward to the backward pass of one sample, besides its output.
    func memory(of input: Shape) -> Int

    /// Whether an image lies in blocks of channels after the layer: the convolutions' order.
    func blocksChannels(ofBlockedInput isBlocked: Bool) -> Bool

    /// Makes the part of one thread's workspace that computes this layer.
    ///
    /// - Parameter context: What the layer computes with, and where its values lie.
    /// - Returns: The computer.
    /// - Throws: `ComputeError` if the compute library cannot compute the layer.
    func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer

    /// The layer as operators of an ONNX graph, each of which reads the output of the one before; none where the layer does
    /// nothing in an evaluation.
    func onnxNodes(of input: Shape) -> [ONNXNode]

    /// The layer in a page that runs the network in a browser; nil where the layer does nothing in an evaluation.
    func javaScript(of input: Shape) -> JavaScriptLayer?
}

extension LayerKind {
    package static var shortKey: String? { nil }
    package static var fusesActivation: Bool { false }
    package func parameters(of input: Shape) -> [LayerParameter] { [] }
    package func flops(of input: Shape) -> Int { 0 }
    package func memory(of input: Shape) -> Int { 0 }
    package func blocksChannels(ofBlockedInput isBlocked: Bool) -> Bool { isBlocked }
}

/// A tensor of a layer's parameters.
package struct LayerParameter: Hashable, Sendable {
    /// The last part of the tensor's name: `weight`.
    package var name: String
    package var shape: [Int]
    package var initial: Initial

    /// The distribution of the initial values.
    package enum Initial: Hashable, Sendable {
        /// As the run's initializer says, for weights with this many inputs and outputs of a neuron; weight decay applies.
        case weights(inputs: Int, outputs: Int)
        /// As the run's initializer says for biases.
        case biases
        /// All the same value.
        case constant(Float)
    }

    package init(_ name: String, _ shape: [Int], _ initial: Initial) {
        self.name = name
        self.shape = shape
        self.initial = initial
    }

    /// Whether weight decay applies.
    var decays: Bool {
        if case .weights = initial { return true }
        return false
    }
}

/// Why a layer cannot follow the layers before it.
package struct LayerProblem: Error, Hashable, Sendable {
    /// What is wrong, and the remedy: "needs a flat input; put 'flatten' before it".
    package var reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    /// A layer of images follows a list of values.
    static let readsImages = LayerProblem(
        "reads an image, not a list of values; give network.input as channels, rows and columns, and no 'flatten' before it"
    )
}

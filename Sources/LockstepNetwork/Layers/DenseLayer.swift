package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// A layer in which each neuron reads all values: z = W a + b.
package struct DenseLayer: LayerKind {
    package var neurons: Int

    package init(neurons: Int) {
        self.neurons = neurons
    }

    package static let name = "dense"
    package static let meaning = "each neuron reads all values: z = W a + b"
    package static let defaults = DenseLayer(neurons: 1)
    package static let shortKey: String? = "neurons"
    package static let fusesActivation = true
    package static let keys = [
        ConfigurationKey(
            "neurons", \DenseLayer.neurons, .integer(1...Architecture.maximumLayerSize), example: "10",
            "neurons, each of which reads all values of the layer before")
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        guard case .values = input else {
            throw LayerProblem(
                "reads a list of values, not an image of shape \(input.dimensions); put 'flatten' before it")
        }
        return .values(neurons)
    }

    package func parameters(of input: Shape) -> [LayerParameter] {
        [
            LayerParameter("weight", [neurons, input.count], .weights(inputs: input.count, outputs: neurons)),
            LayerParameter("bias", [neurons], .biases),
        ]
    }

    package func flops(of input: Shape) -> Int { 2 * input.count * neurons }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        [ONNXNode("Gemm", operands: [.parameter(0), .parameter(1)], attributes: [("transB", .integer(1))])]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        JavaScriptLayer(
            """
            const z = Float32Array.from(p[1]);
            for (let j = 0; j < outputs; j++) {
                let sum = 0;
                for (let k = 0; k < inputs; k++) sum += p[0][j * inputs + k] * a[k];
                z[j] += sum;
            }
            return z;
            """, constants: [("inputs", "\(input.count)"), ("outputs", "\(neurons)")])
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        DenseComputer(context)
    }
}

/// The passes of a dense layer, with the activation that follows it.
private final class DenseComputer: LayerComputer {
    private let inputs: Int
    private let outputs: Int
    /// Weights, [outputs, inputs], row-major.
    private let weights: Range<Int>
    /// [outputs].
    private let biases: Range<Int>
    private let activation: Activation?
    private let readsSamples: Bool
    private let products: MatrixProducts
    /// The layer's input, [rows, inputs]; scratch memory for blocks of bytes.
    private let source: UnsafeMutablePointer<Float>
    private let destination: UnsafeMutablePointer<Float>
    private let outputErrors: UnsafeMutablePointer<Float>
    private let sourceErrors: UnsafeMutablePointer<Float>?
    /// z, [rows, outputs], if the activation's slope is a function of it.
    private let weightedInputs: FloatBuffer?

    init(_ context: LayerContext) {
        inputs = context.input.count
        outputs = context.output.count
        weights = context.parameters[0]
        biases = context.parameters[1]
        activation = context.activation
        readsSamples = context.readsSamples
        products = context.products
        source = context.source
        destination = context.destination
        outputErrors = context.outputErrors
        sourceErrors = context.inputErrors
        weightedInputs = context.weightedInputs()
    }

    func forward(_ block: Block) {
        let (rows, w) = (block.rows, block.weights + weights.lowerBound)
        if readsSamples, let bytes = block.bytes {
            products.forward(
                rows: rows, outputs: outputs, inputs: inputs, a: bytes, w: w, into: destination, scratch: source)
        } else {
            products.forward(rows: rows, outputs: outputs, inputs: inputs, a: source, w: w, into: destination)
        }
        let biases = block.weights + biases.lowerBound
        if let activation {
            activation.forward(
                destination, biases: biases, rows: rows, columns: outputs, storing: weightedInputs?.pointer)
        } else {
            addRow(biases, to: destination, rows: rows, columns: outputs)
        }
    }

    func parameterGradient(
        _ block: Block, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool
    ) {
        let rows = block.rows
        let biasGradient = gradient + biases.lowerBound
        if let activation {
            activation.backward(
                outputErrors, source: weightedInputs?.pointer ?? destination, rows: rows, columns: outputs,
                accumulating: accumulating, biasGradient: biasGradient)
        } else {
            sumColumns(
                outputErrors, rows: rows, columns: outputs, accumulating: accumulating, into: biasGradient)
        }
        let weightGradient = gradient + weights.lowerBound
        if readsSamples, let bytes = block.bytes {
            products.weightGradient(
                rows: rows, outputs: outputs, inputs: inputs, d: outputErrors, a: bytes, accumulating: accumulating,
                into: weightGradient, scratch: source)
        } else {
            products.weightGradient(
                rows: rows, outputs: outputs, inputs: inputs, d: outputErrors, a: source, accumulating: accumulating,
                into: weightGradient)
        }
    }

    func inputErrors(_ block: Block) {
        guard let sourceErrors else { return }
        products.backward(
            rows: block.rows, outputs: outputs, inputs: inputs, d: outputErrors, w: block.weights + weights.lowerBound,
            into: sourceErrors)
    }
}

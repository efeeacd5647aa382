import LockstepNetwork
import LockstepNumerics

/// A model as an ONNX graph: for each layer a Gemm (a·Wᵀ + b) and its activation.
///
/// Input `input` [n, inputs], float32, scaled as the metadata say; output `output` [n, outputs]. Operators of version 13, or of
/// the version that the activation needs (https://onnx.ai/onnx/operators).
struct ONNXExport {
    /// Constants of the format: `TensorProto.FLOAT`, `AttributeProto.INT`, and the IR version of operator set 13.
    private enum Constant {
        static let float: Int64 = 1
        static let integerAttribute: Int64 = 2
        static let irVersion: Int64 = 7
        static let operatorVersion: Int64 = 13
        /// The largest protocol buffer that readers accept.
        static let largestModel = Int(Int32.max)
    }

    private let model: Model

    init(_ model: Model) {
        self.model = model
    }

    func bytes(path: String) throws(ArtifactError) -> [UInt8] {
        guard model.parameters.buffer.count < Constant.largestModel / MemoryLayout<Float>.stride - 65_536 else {
            throw .malformed(
                path: path, reason: "an ONNX file holds less than 2 GiB", remedy: "export to safetensors or npz")
        }
        return message.bytes
    }

    /// The field numbers, by message
    /// (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
    private enum Field {
        enum Model {
            static let irVersion: UInt64 = 1
            static let producerName: UInt64 = 2
            static let producerVersion: UInt64 = 3
            static let graph: UInt64 = 7
            static let operatorSets: UInt64 = 8
            static let metadata: UInt64 = 14
        }
        enum OperatorSet { static let version: UInt64 = 2 }
        enum Entry {
            static let key: UInt64 = 1
            static let value: UInt64 = 2
        }
        enum Graph {
            static let node: UInt64 = 1
            static let name: UInt64 = 2
            static let initializer: UInt64 = 5
            static let input: UInt64 = 11
            static let output: UInt64 = 12
        }
        enum Node {
            static let input: UInt64 = 1
            static let output: UInt64 = 2
            static let name: UInt64 = 3
            static let kind: UInt64 = 4
            static let attribute: UInt64 = 5
        }
        enum Attribute {
            static let name: UInt64 = 1
            static let integer: UInt64 = 3
            static let type: UInt64 = 20
        }
        enum Tensor {
            static let dimensions: UInt64 = 1
            static let elementType: UInt64 = 2
            static let name: UInt64 = 8
            static let bytes: UInt64 = 9
        }
        enum Value {
            static let name: UInt64 = 1
            static let type: UInt64 = 2
            static let tensorType: UInt64 = 1
            static let elementType: UInt64 = 1
            static let shape: UInt64 = 2
            static let dimension: UInt64 = 1
            static let size: UInt64 = 1
            static let sizeName: UInt64 = 2
        }
    }

    private var message: ProtobufWriter {
        var message = ProtobufWriter()
        message.integer(Field.Model.irVersion, Constant.irVersion)
        message.text(Field.Model.producerName, "lockstep")
        message.text(Field.Model.producerVersion, model.metadata.programVersion ?? "")
        message.message(Field.Model.graph, writeGraph)
        message.message(Field.Model.operatorSets) {
            $0.integer(Field.OperatorSet.version, max(Constant.operatorVersion, activation.version))
        }
        let entries: [(key: String, value: String?)] = [
            ("input_scale", model.metadata.inputScale?.rawValue),
            ("labels", model.metadata.labels.isEmpty ? nil : model.metadata.labels.joined(separator: ",")),
            ("weights_sha256", model.weightsSHA256),
        ]
        for case (let key, let value?) in entries {
            message.message(Field.Model.metadata) { entry in
                entry.text(Field.Entry.key, key)
                entry.text(Field.Entry.value, value)
            }
        }
        return message
    }

    private var activation: Activation.ONNXOperator { model.architecture.activation.onnxOperator }

    private func writeGraph(_ graph: inout ProtobufWriter) {
        let count = model.layout.layers.count
        for layer in 0..<count {
            let input = layer == 0 ? "input" : "layers.\(layer - 1).activation"
            let sum = "layers.\(layer).weighted_input"
            let output = layer == count - 1 ? "output" : "layers.\(layer).activation"
            let operands = [input, ParameterLayout.weightName(layer), ParameterLayout.biasName(layer)]
            write("Gemm", from: operands, to: sum, transposesSecond: true, into: &graph)
            write(layer == count - 1 ? outputOperator : activation.name, from: [sum], to: output, into: &graph)
        }
        graph.text(Field.Graph.name, "network")
        for tensor in model.layout.tensors { write(tensor, into: &graph) }
        write("input", columns: model.layout.inputs, as: Field.Graph.input, into: &graph)
        write("output", columns: model.layout.outputs, as: Field.Graph.output, into: &graph)
    }

    /// Softmax's default axis is the last one.
    private var outputOperator: String {
        switch model.architecture.output {
        case .sigmoid: "Sigmoid"
        case .softmax: "Softmax"
        }
    }

    private func write(
        _ kind: String, from inputs: [String], to output: String, transposesSecond: Bool = false,
        into graph: inout ProtobufWriter
    ) {
        graph.message(Field.Graph.node) { node in
            for input in inputs { node.text(Field.Node.input, input) }
            node.text(Field.Node.output, output)
            node.text(Field.Node.name, "\(kind) \(output)")
            node.text(Field.Node.kind, kind)
            guard transposesSecond else { return }
            node.message(Field.Node.attribute) { attribute in
                attribute.text(Field.Attribute.name, "transB")
                attribute.integer(Field.Attribute.integer, 1)
                attribute.integer(Field.Attribute.type, Constant.integerAttribute)
            }
        }
    }

    private func write(_ parameter: ParameterTensor, into graph: inout ProtobufWriter) {
        graph.message(Field.Graph.initializer) { tensor in
            for size in parameter.shape { tensor.integer(Field.Tensor.dimensions, Int64(size)) }
            tensor.integer(Field.Tensor.elementType, Constant.float)
            tensor.text(Field.Tensor.name, parameter.name)
            tensor.data(Field.Tensor.bytes, model.bytes(of: parameter))
        }
    }

    /// A matrix with a row for each sample.
    private func write(_ name: String, columns: Int, as field: UInt64, into graph: inout ProtobufWriter) {
        graph.message(field) { value in
            value.text(Field.Value.name, name)
            value.message(Field.Value.type) { type in
                type.message(Field.Value.tensorType) { tensor in
                    tensor.integer(Field.Value.elementType, Constant.float)
                    tensor.message(Field.Value.shape) { shape in
                        shape.message(Field.Value.dimension) { $0.text(Field.Value.sizeName, "n") }
                        shape.message(Field.Value.dimension) { $0.integer(Field.Value.size, Int64(columns)) }
                    }
                }
            }
        }
    }
}

import LockstepModel
import LockstepNetwork
import LockstepNumerics

/// A model as an ONNX graph of the operators that its layers name.
///
/// Input `input`, [n, values] or [n, channels, rows, columns], float32, scaled as the metadata say; output `output`,
/// [n, outputs]. Operators of version 13, or of the highest version that a layer needs (https://onnx.ai/onnx/operators).
struct ONNXExport {
    /// Constants of the format: `TensorProto.FLOAT` and `INT64`, the types of attributes, and the IR version, which knows operator
    /// sets up to 17.
    private enum Constant {
        static let float: Int64 = 1
        static let integer: Int64 = 7
        static let numberAttribute: Int64 = 1
        static let integerAttribute: Int64 = 2
        static let integersAttribute: Int64 = 7
        static let irVersion: Int64 = 8
        static let operatorVersion: Int64 = 13
        /// The largest protocol buffer that readers accept.
        static let largestModel = Int(Int32.max)
    }

    private let model: TrainedModel

    init(_ model: TrainedModel) {
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
            static let number: UInt64 = 2
            static let integer: UInt64 = 3
            static let integers: UInt64 = 8
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

    /// The version of the operator set that knows all operators of the layers.
    private var operatorVersion: Int64 {
        model.network.exportedLayers.flatMap(\.nodes).map(\.kind.version).reduce(Constant.operatorVersion, max)
    }

    private var message: ProtobufWriter {
        var message = ProtobufWriter()
        message.integer(Field.Model.irVersion, Constant.irVersion)
        message.text(Field.Model.producerName, "lockstep")
        message.text(Field.Model.producerVersion, model.metadata.programVersion ?? "")
        message.message(Field.Model.graph, writeGraph)
        message.message(Field.Model.operatorSets) {
            $0.integer(Field.OperatorSet.version, operatorVersion)
        }
        let entries: [(key: String, value: String?)] = [
            ("input_scale", model.metadata.inputScale?.rawValue),
            ("labels", try? ModelFile.labelsText(model.metadata.labels, path: "")),
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

    private func writeGraph(_ graph: inout ProtobufWriter) {
        let layers = model.network.exportedLayers
        var value = "input"
        for (index, layer) in layers.enumerated() {
            let tensors = layer.segment.map { model.layout.segments[$0].tensors } ?? []
            for (place, node) in layer.nodes.enumerated() {
                let result = "value.\(index).\(place)"
                let operands = node.operands.enumerated().map { number, operand in
                    self.operand(operand, tensors, name: "\(result).\(number)", into: &graph)
                }
                write(node, from: [value] + operands, to: result, into: &graph)
                value = result
            }
        }
        // Softmax's default axis is the last one.
        let kind =
            switch model.architecture.output {
            case .softmax: "Softmax"
            case .sigmoid: "Sigmoid"
            case .linear: "Identity"
            }
        write(ONNXNode(kind), from: [value], to: "output", into: &graph)
        graph.text(Field.Graph.name, "network")
        for tensor in model.layout.tensors {
            write(tensor.name, shape: tensor.shape, model.bytes(of: tensor), as: Constant.float, into: &graph)
        }
        write("input", dimensions: model.network.input.dimensions, as: Field.Graph.input, into: &graph)
        write("output", dimensions: [model.network.outputs], as: Field.Graph.output, into: &graph)
    }

    /// The name of an operand; writes it first if it is no parameter.
    private func operand(
        _ operand: ONNXNode.Operand, _ tensors: [ParameterLayout.Tensor], name: String, into graph: inout ProtobufWriter
    ) -> String {
        switch operand {
        case .parameter(let index):
            return tensors[index].name
        case .perChannel(let index):
            let tensor = tensors[index]
            write(name, shape: tensor.shape + [1, 1], model.bytes(of: tensor), as: Constant.float, into: &graph)
        case .constant(let value, let count):
            [Float](repeating: value, count: count).withUnsafeBytes {
                write(name, shape: [count], $0, as: Constant.float, into: &graph)
            }
        case .integers(let numbers):
            numbers.map(Int64.init).withUnsafeBytes {
                write(name, shape: [numbers.count], $0, as: Constant.integer, into: &graph)
            }
        }
        return name
    }

    private func write(
        _ node: ONNXNode, from inputs: [String], to output: String, into graph: inout ProtobufWriter
    ) {
        graph.message(Field.Graph.node) { message in
            for input in inputs { message.text(Field.Node.input, input) }
            message.text(Field.Node.output, output)
            message.text(Field.Node.name, "\(node.kind.name) \(output)")
            message.text(Field.Node.kind, node.kind.name)
            for (name, value) in node.attributes {
                message.message(Field.Node.attribute) { attribute in
                    attribute.text(Field.Attribute.name, name)
                    switch value {
                    case .integer(let number):
                        attribute.integer(Field.Attribute.integer, Int64(number))
                        attribute.integer(Field.Attribute.type, Constant.integerAttribute)
                    case .integers(let numbers):
                        for number in numbers { attribute.integer(Field.Attribute.integers, Int64(number)) }
                        attribute.integer(Field.Attribute.type, Constant.integersAttribute)
                    case .number(let number):
                        attribute.float(Field.Attribute.number, number)
                        attribute.integer(Field.Attribute.type, Constant.numberAttribute)
                    }
                }
            }
        }
    }

    private func write(
        _ name: String, shape: [Int], _ bytes: UnsafeRawBufferPointer, as elementType: Int64,
        into graph: inout ProtobufWriter
    ) {
        graph.message(Field.Graph.initializer) { tensor in
            for size in shape { tensor.integer(Field.Tensor.dimensions, Int64(size)) }
            tensor.integer(Field.Tensor.elementType, elementType)
            tensor.text(Field.Tensor.name, name)
            tensor.data(Field.Tensor.bytes, bytes)
        }
    }

    /// An input or output, [n, dimensions].
    private func write(_ name: String, dimensions: [Int], as field: UInt64, into graph: inout ProtobufWriter) {
        graph.message(field) { value in
            value.text(Field.Value.name, name)
            value.message(Field.Value.type) { type in
                type.message(Field.Value.tensorType) { tensor in
                    tensor.integer(Field.Value.elementType, Constant.float)
                    tensor.message(Field.Value.shape) { shape in
                        shape.message(Field.Value.dimension) { $0.text(Field.Value.sizeName, "n") }
                        for size in dimensions {
                            shape.message(Field.Value.dimension) { $0.integer(Field.Value.size, Int64(size)) }
                        }
                    }
                }
            }
        }
    }
}

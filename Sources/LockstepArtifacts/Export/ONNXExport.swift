import Foundation
import LockstepNetwork
import LockstepNumerics
import SwiftProtobuf

/// A model as an ONNX graph: for each layer a Gemm (a·Wᵀ + b) and its activation.
///
/// Input `input` [n, inputs], float32, scaled as the metadata say; output `output` [n, outputs]. Operators of version 13
/// (https://onnx.ai/onnx/operators).
struct ONNXExport {
    /// The numbers of the format: `TensorProto.FLOAT`, `AttributeProto.INT`, the IR that came with operators 13.
    private enum Constant {
        static let float: Int32 = 1
        static let integerAttribute: Int32 = 2
        static let irVersion: Int64 = 7
        static let operatorVersion: Int64 = 13
        /// A protocol buffer's largest size; beyond it readers refuse.
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
        do {
            return Array(try message.serializedData())
        } catch {
            throw .malformed(path: path, reason: "the model cannot be encoded: \(error)", remedy: nil)
        }
    }

    private var message: WireModel {
        var operators = WireOperatorSet()
        operators.version = Constant.operatorVersion
        var message = WireModel()
        message.irVersion = Constant.irVersion
        message.producerName = "lockstep"
        message.producerVersion = model.metadata.programVersion ?? ""
        message.graph = graph
        message.opsetImport = [operators]
        message.metadataProps = [
            ("input_scale", model.metadata.inputScale?.rawValue),
            ("labels", model.metadata.labels.isEmpty ? nil : model.metadata.labels.joined(separator: ",")),
            ("weights_sha256", model.weightsSHA256),
        ].compactMap { key, value in
            value.map { value in
                var entry = WireEntry()
                entry.key = key
                entry.value = value
                return entry
            }
        }
        return message
    }

    private var graph: WireGraph {
        var graph = WireGraph()
        graph.name = "network"
        graph.initializer = model.layout.tensors.map(tensor)
        graph.input = [value("input", columns: model.layout.inputs)]
        graph.output = [value("output", columns: model.layout.outputs)]
        let count = model.layout.layers.count
        for layer in 0..<count {
            let input = layer == 0 ? "input" : "layers.\(layer - 1).activation"
            let sum = "layers.\(layer).weighted_input"
            let output = layer == count - 1 ? "output" : "layers.\(layer).activation"
            var transposed = WireAttribute()
            transposed.name = "transB"
            transposed.i = 1
            transposed.type = Constant.integerAttribute
            var gemm = node(
                "Gemm", from: [input, ParameterLayout.weightName(layer), ParameterLayout.biasName(layer)], to: sum)
            gemm.attribute = [transposed]
            graph.node += [gemm, node(activationOperator, from: [sum], to: output)]
        }
        return graph
    }

    private var activationOperator: String {
        switch model.architecture.activation {
        case .sigmoid: "Sigmoid"
        }
    }

    private func node(_ kind: String, from inputs: [String], to output: String) -> WireNode {
        var node = WireNode()
        node.name = "\(kind) \(output)"
        node.opType = kind
        node.input = inputs
        node.output = [output]
        return node
    }

    private func tensor(_ parameter: ParameterTensor) -> WireTensor {
        var tensor = WireTensor()
        tensor.name = parameter.name
        tensor.dims = parameter.shape.map(Int64.init)
        tensor.dataType = Constant.float
        tensor.rawData = Data(model.bytes(of: parameter))
        return tensor
    }

    /// A matrix with a row for each sample.
    private func value(_ name: String, columns: Int) -> WireValueInfo {
        var (rows, width) = (WireDimension(), WireDimension())
        rows.dimParam = "n"
        width.dimValue = Int64(columns)
        var info = WireValueInfo()
        info.name = name
        info.type.tensorType.elemType = Constant.float
        info.type.tensorType.shape.dim = [rows, width]
        return info
    }
}

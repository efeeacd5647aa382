package import LockstepCompute
package import LockstepModel
package import LockstepNumerics

/// A feed-forward network as a model: a list of layers, and the objective of its training.
package struct NetworkModel: Model {
    package let architecture: Architecture
    package let objective: Objective
    package let layout: ParameterLayout
    let layers: [Architecture.PlacedLayer]

    /// - Parameters:
    ///   - architecture: The network.
    ///   - objective: The objective of training; an evaluation uses its cost only.
    /// - Throws: ``NetworkError`` if the architecture is impossible or its output does not go with the cost.
    package init(
        _ architecture: Architecture, objective: Objective = Objective(cost: .crossEntropy)
    ) throws(NetworkError) {
        guard objective.cost.accepts(architecture.output) else {
            throw .costOfOutput(objective.cost, architecture.output)
        }
        let dropsAny = objective.inputDropout > 0 || objective.hiddenDropout > 0
        guard architecture.layers.isEmpty || !dropsAny else { throw .dropoutOfLayers }
        self.architecture = architecture
        self.objective = objective
        layers = try architecture.placedLayers(
            inputDropout: objective.inputDropout, hiddenDropout: objective.hiddenDropout)
        layout = ParameterLayout(
            layers.filter { !$0.parameters.isEmpty }.map { layer in
                layer.parameters.map {
                    ParameterLayout.TensorShape(
                        name: "\(layer.name).\($0.name)", shape: $0.shape, decays: $0.decays)
                }
            })
    }

    /// The shape of a sample.
    package var input: Shape { layers[0].input }

    /// A layer as an export needs it.
    package struct ExportedLayer {
        /// The first part of its tensors' names, such as `layers.0`; activations have their layer's.
        package let name: String
        package let nodes: [ONNXNode]
        package let javaScript: JavaScriptLayer?
        /// The segment of its parameters; nil if it has none.
        package let segment: Int?
    }

    /// The layers in order, without the output function.
    package var exportedLayers: [ExportedLayer] {
        var segments = 0
        return layers.map { layer in
            let segment = layer.parameters.isEmpty ? nil : segments
            if segment != nil { segments += 1 }
            return ExportedLayer(
                name: layer.name, nodes: layer.layer.onnxNodes(of: layer.input),
                javaScript: layer.layer.javaScript(of: layer.input), segment: segment)
        }
    }

    package var inputs: Int { layers[0].input.count }

    package var outputs: Int { layers[layers.count - 1].output.count }

    package var answers: Int { objective.targets?.answers(outputs: outputs) ?? outputs }

    package var predictsNumbers: Bool { architecture.output == .linear }

    /// 1,024 for dense networks. A network with convolutions keeps far more activations of a sample than its caches hold,
    /// and gains nothing from large blocks: 32, 16 or 8, the most with which the activations of a block take at most
    /// 4 MiB, and 8 where none does.
    package var blockRows: Int { layers.blockRows }

    package var flops: (forward: Int, gradient: Int) {
        var (forward, gradient) = (0, 0)
        for (index, layer) in layers.enumerated() {
            let flops = layer.layer.flops(of: layer.input)
            forward += flops
            // A layer with parameters does as much for their gradient, and once more for the errors of its input.
            let needsInputErrors = layers[..<index].contains { !$0.parameters.isEmpty }
            gradient += flops * (1 + (layer.parameters.isEmpty ? 0 : 1) + (needsInputErrors ? 1 : 0))
        }
        return (forward, gradient)
    }

    package func workspaceBytes(rows: Int) -> Int {
        let stride = MemoryLayout<Float>.stride
        func padded(_ shape: Shape) -> Int { ActivationLayout(shape, lanes: 16).count }
        let stages = NetworkStage.stages(of: layers)
        let activations = stages.reduce(inputs) { $0 + padded($1.output) }
        let widest = stages.map { padded($0.output) }.max() ?? 0
        let kept = layers.reduce(0) { $0 + $1.layer.memory(of: $1.input) }
        return rows * (stride * (activations + 2 * widest) + kept)
    }

    /// Parameter i of the buffer is the standard normal number at (initialParameters, epoch 0, sample i, draw 0), times
    /// the initializer's standard deviation; or its constant.
    package func initialize(seed: UInt64, into parameters: FloatBuffer) {
        precondition(parameters.count >= layout.count)
        let random = Philox(seed: seed)
        let initial = layers.flatMap { $0.parameters.map(\.initial) }
        for (tensor, initial) in zip(layout.tensors, initial) {
            let deviation: Float
            switch initial {
            case .constant(let value):
                parameters.buffer[tensor.range].update(repeating: value)
                continue
            case .weights(let inputs, let outputs):
                deviation = architecture.initializer.weightDeviation(inputs: inputs, outputs: outputs)
            case .biases:
                deviation = architecture.initializer.biasDeviation
            }
            for i in tensor.range {
                let position = RandomPosition(.initialParameters, sample: UInt32(i))
                parameters.pointer[i] = deviation == 0 ? 0 : deviation * random.standardNormal(at: position)
            }
        }
    }

    package func makeComputer(
        seed: UInt64, library: ComputeLibrary, maximumRows: Int
    ) throws -> any ModelComputer {
        try NetworkComputer(self, seed: seed, library: library, maximumRows: maximumRows)
    }
}

/// One or two layers that one computer computes: a layer, and the activation that follows it.
struct NetworkStage {
    let layer: Architecture.PlacedLayer
    /// The activation that the layer's computer computes too.
    let activation: Activation?

    var output: Shape { layer.output }

    /// The stages of a network, in order.
    static func stages(of layers: [Architecture.PlacedLayer]) -> [NetworkStage] {
        var stages: [NetworkStage] = []
        for layer in layers {
            if let activation = layer.layer as? ActivationLayer, let last = stages.last, last.activation == nil,
                type(of: last.layer.layer).fusesActivation
            {
                stages[stages.count - 1] = NetworkStage(layer: last.layer, activation: activation.function)
            } else {
                stages.append(NetworkStage(layer: layer, activation: nil))
            }
        }
        return stages
    }
}

extension [Architecture.PlacedLayer] {
    /// The rows of a block of samples: ``NetworkModel/blockRows``.
    var blockRows: Int {
        guard let first, contains(where: { $0.layer is ConvolutionLayer }) else { return 1_024 }
        let activations = reduce(first.input.count) { $0 + $1.output.count }
        let bytes = activations * MemoryLayout<Float>.stride
        return [32, 16].first { $0 * bytes <= 4 << 20 } ?? 8
    }
}

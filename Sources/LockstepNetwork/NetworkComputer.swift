import LockstepCompute
import LockstepModel
import LockstepNumerics
import LockstepTimeline

/// One thread's workspace for a network: the forward and backward passes over a block of samples, layer by layer.
final class NetworkComputer: ModelComputer {
    let maximumRows: Int
    let inputs: UnsafeMutablePointer<Float>
    let labels: UnsafeMutablePointer<UInt16>
    let targets: UnsafeMutablePointer<Float>
    let sampleIndices: UnsafeMutablePointer<UInt32>
    let byteRows: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    var timeline: Timeline?

    private let output: OutputActivation
    private let cost: Cost
    private let encoding: TargetEncoding?
    private let products: MatrixProducts
    /// The layers' computers, the first layer first.
    private let stages: [Stage]
    /// The network's inputs, [maximumRows, inputs], and the output of each stage, [maximumRows, its values].
    private let activations: [FloatBuffer]
    /// The errors of the current stage's output and input, alternating by stage, [maximumRows, widest].
    private let errors: (even: FloatBuffer, odd: FloatBuffer)
    /// The last stage's outputs, [maximumRows, classes].
    private let outputs: UnsafeMutablePointer<Float>
    private let outputErrors: UnsafeMutablePointer<Float>
    private let classes: Int
    /// The targets in training, and those of evaluation, without label smoothing.
    private let classTargets: (training: ClassTargets, evaluation: ClassTargets)
    /// Scratch memory of the cost, [2, maximumRows].
    private let logarithms: UnsafeMutablePointer<Double>
    /// The shape of the first stage, if it is a dense layer that reads the samples: only such a layer reads bytes.
    private let firstDense: (outputs: Int, inputs: Int)?
    /// Whether blocks of each number of rows may be computed, [maximumRows + 1].
    private var prepared: [Bool]
    /// The parameters in use; nil before the first.
    private var weights: UnsafePointer<Float>?

    private struct Stage {
        let computer: any LayerComputer
        /// The segment of the layer's parameters; nil if it has none.
        let segment: Int?
        /// The segments before the layer, which the timeline shows as its index.
        let index: Int
        /// Whether a layer before this one has parameters.
        let needsInputErrors: Bool
    }

    /// - Parameters:
    ///   - model: The network.
    ///   - seed: The run's seed, from which dropout derives its random numbers; an evaluation does not use it.
    ///   - library: Computes products and convolutions.
    ///   - maximumRows: The largest number of rows in a block.
    /// - Throws: `ComputeError` if the compute library is needed and cannot be used.
    init(_ model: NetworkModel, seed: UInt64, library: ComputeLibrary, maximumRows: Int) throws(ComputeError) {
        precondition(maximumRows > 0)
        self.maximumRows = maximumRows
        prepared = Array(repeating: false, count: maximumRows + 1)
        output = model.architecture.output
        cost = model.objective.cost
        encoding = model.objective.targets
        classes = model.outputs
        classTargets = (
            ClassTargets(smoothing: model.objective.labelSmoothing, classes: classes), ClassTargets(classes: classes)
        )
        let plan = NetworkStage.stages(of: model.layers)
        let layouts = Self.layouts(of: plan, lanes: library.channelLanes)
        activations = layouts.map { [maximumRows] in FloatBuffer(count: maximumRows * $0.count) }
        let widest = layouts.dropFirst().map(\.count).max() ?? 1
        errors = (FloatBuffer(count: maximumRows * widest), FloatBuffer(count: maximumRows * widest))
        products = try library.products(
            forLayersOf: plan.filter { $0.layer.layer is DenseLayer }.map(\.output.count))
        firstDense =
            plan[0].layer.layer is DenseLayer ? (plan[0].output.count, plan[0].layer.input.count) : nil

        var stages: [Stage] = []
        var segments = 0
        var positions: [Int: Int] = [:]
        for (index, stage) in plan.enumerated() {
            let hasParameters = !stage.layer.parameters.isEmpty
            let errors = [self.errors.even.pointer, self.errors.odd.pointer]
            let earlier = positions[segments, default: 0]
            positions[segments] = earlier + 1
            let context = LayerContext(
                input: layouts[index], output: layouts[index + 1], source: activations[index].pointer,
                destination: activations[index + 1].pointer,
                inputErrors: segments > 0 ? errors[(index + 1) % 2] : nil, outputErrors: errors[index % 2],
                maximumRows: maximumRows,
                parameters: hasParameters ? model.layout.segments[segments].tensors.map(\.range) : [],
                activation: stage.activation, readsSamples: index == 0,
                position: segments + Self.positionStride * earlier, library: library,
                products: products, random: Philox(seed: seed))
            stages.append(
                Stage(
                    computer: try stage.layer.layer.makeComputer(context), segment: hasParameters ? segments : nil,
                    index: hasParameters ? segments : max(0, segments - 1), needsInputErrors: segments > 0))
            if hasParameters { segments += 1 }
        }
        self.stages = stages
        inputs = activations[0].pointer
        outputs = activations[plan.count].pointer
        outputErrors = (plan.count - 1) % 2 == 0 ? errors.even.pointer : errors.odd.pointer
        labels = .allocate(capacity: maximumRows)
        labels.initialize(repeating: 0, count: maximumRows)
        targets = .allocate(capacity: maximumRows * classes)
        targets.initialize(repeating: 0, count: maximumRows * classes)
        sampleIndices = .allocate(capacity: maximumRows)
        sampleIndices.initialize(repeating: 0, count: maximumRows)
        byteRows = .allocate(capacity: maximumRows)
        byteRows.initialize(repeating: nil, count: maximumRows)
        logarithms = .allocate(capacity: 2 * maximumRows)
        logarithms.initialize(repeating: 0, count: 2 * maximumRows)
    }

    /// The distance of the random positions of layers that have equally many parameters before them: as many layers as a
    /// network may have.
    private static let positionStride = Architecture.maximumLayers

    /// The layouts of the network's input and of each stage's output.
    private static func layouts(of stages: [NetworkStage], lanes: Int) -> [ActivationLayout] {
        guard let first = stages.first else { return [] }
        var layouts = [ActivationLayout(first.layer.input)]
        var isBlocked = false
        for stage in stages {
            isBlocked = stage.layer.layer.blocksChannels(ofBlockedInput: isBlocked)
            layouts.append(ActivationLayout(stage.output, lanes: isBlocked ? lanes : 1))
        }
        return layouts
    }

    deinit {
        labels.deallocate()
        targets.deallocate()
        sampleIndices.deallocate()
        byteRows.deallocate()
        logarithms.deallocate()
    }

    func prepare(rows: Set<Int>) throws {
        for count in rows.sorted() {
            precondition(count > 0 && count <= maximumRows)
            if prepared[count] { continue }
            for stage in stages { try stage.computer.prepare(rows: count) }
            prepared[count] = true
        }
    }

    func prefersBytes(rows: Int) -> Bool {
        guard let firstDense else { return false }
        return products.suitsBytes(rows: rows, outputs: firstDense.outputs, inputs: firstDense.inputs)
            && SmallProducts.scratchCount(depth: firstDense.inputs) <= maximumRows * firstDense.inputs
    }

    func load(weights: UnsafePointer<Float>) {
        self.weights = weights
        for stage in stages { stage.computer.load(weights: weights) }
    }

    func gradient(
        rows: Int, input: BlockInput, epoch: UInt32, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool,
        segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let block = block(rows: rows, input, trainingIn: epoch)
        forward(block)
        timeline?.enter(.backward, layer: stages[stages.count - 1].index)
        let lossSum = outputPass(rows: rows, classTargets.training, errors: outputErrors)
        for stage in stages.reversed() {
            timeline?.enter(.backward, layer: stage.index)
            stage.computer.parameterGradient(block, into: gradient, accumulating: accumulating)
            if let segment = stage.segment { try segmentDone(segment) }
            guard stage.needsInputErrors else { break }
            stage.computer.inputErrors(block)
        }
        return lossSum
    }

    func evaluate(
        rows: Int, input: BlockInput, predictions: UnsafeMutablePointer<Int>
    ) -> (correct: Int, lossSum: Double) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        forward(block(rows: rows, input, trainingIn: nil))
        let lossSum = outputPass(rows: rows, classTargets.evaluation, errors: nil)
        guard output != .linear else {
            predictions.update(repeating: 0, count: rows)
            return (0, lossSum)
        }
        if let encoding {
            let correct = encoding.countCorrect(
                outputs, labels: labels, rows: rows, count: classes, answers: predictions)
            return (correct, lossSum)
        }
        let correct = countCorrect(outputs, labels: labels, rows: rows, classes: classes, predictions: predictions)
        return (correct, lossSum)
    }

    func outputs(rows: Int) -> UnsafePointer<Float> {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        forward(block(rows: rows, .floats, trainingIn: nil))
        switch output {
        case .sigmoid: applySigmoid(outputs, count: rows * classes)
        case .softmax: applySoftmax(outputs, rows: rows, outputs: classes)
        case .linear: break
        }
        return UnsafePointer(outputs)
    }

    private func block(rows: Int, _ input: BlockInput, trainingIn epoch: UInt32?) -> Block {
        precondition(prepared[rows], "a block of a size that was not prepared")
        guard let weights else { preconditionFailure("no weights are loaded") }
        var bytes: ByteRows?
        if case .bytes(let scale) = input { bytes = ByteRows(rows: byteRows, scale: scale) }
        return Block(rows: rows, weights: weights, epoch: epoch, samples: sampleIndices, bytes: bytes)
    }

    /// Computes the outputs of all stages: the activations of the hidden layers, and the weighted inputs of the last layer.
    private func forward(_ block: Block) {
        for stage in stages {
            timeline?.enter(.forward, layer: stage.index)
            stage.computer.forward(block)
        }
    }

    /// Computes the network's outputs from the last layer's weighted inputs, the loss, and the last layer's errors.
    ///
    /// - Parameters:
    ///   - rows: Rows of the block.
    ///   - classTargets: The target outputs of classes.
    ///   - errors: Receives the last layer's errors; nil if the caller does not need them.
    /// - Returns: The sum of the rows' losses, in double, added row by row.
    private func outputPass(
        rows: Int, _ classTargets: ClassTargets, errors: UnsafeMutablePointer<Float>?
    ) -> Double {
        if let encoding {
            encoding.write(labels: labels, rows: rows, outputs: classes, to: targets)
            guard cost == .quadratic else {
                return sigmoidCrossEntropy(outputs, targets: targets, rows: rows, count: classes, delta: errors)
            }
            applySigmoid(outputs, count: rows * classes)
            return sigmoidSquaredError(outputs: outputs, targets: targets, rows: rows, count: classes, delta: errors)
        }
        switch (cost, output) {
        case (_, .linear):
            return squaredError(outputs: outputs, targets: targets, rows: rows, count: classes, delta: errors)
        case (.crossEntropy, .softmax):
            return softmaxCrossEntropy(
                outputs, labels: labels, rows: rows, outputs: classes, targets: classTargets, logarithms: logarithms,
                delta: errors)
        case (.crossEntropy, .sigmoid):
            return sigmoidCrossEntropy(
                outputs, labels: labels, rows: rows, outputs: classes, targets: classTargets, delta: errors)
        case (.quadratic, _):
            applySigmoid(outputs, count: rows * classes)
            guard let errors else {
                return quadraticCost(activations: outputs, labels: labels, rows: rows, outputs: classes)
            }
            return quadraticCostAndDelta(
                activations: outputs, labels: labels, rows: rows, outputs: classes, delta: errors)
        }
    }
}

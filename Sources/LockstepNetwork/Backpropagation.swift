package import LockstepCompute
import LockstepNumerics
package import LockstepTimeline

/// One thread's workspace for a network: forward and backward over a block of samples.
///
/// All buffers are made in `init`; no verb allocates. The caller gathers a block into ``inputs`` and ``labels``, then
/// calls a verb. The rows of a matrix product depend on how many rows share the call, so the size of a block is part of
/// the arithmetic.
package final class Backpropagation {
    package let layout: ParameterLayout
    /// Rows that a block may have.
    package let maximumRows: Int
    /// Samples, [maximumRows, layout.inputs], row-major; or, for samples that are read as bytes, scratch memory to convert a few rows.
    package let inputs: UnsafeMutablePointer<Float>
    /// Classes of the samples, [maximumRows].
    package let labels: UnsafeMutablePointer<UInt16>
    /// The samples' indices in the data set, [maximumRows]: dropout derives its random numbers from them.
    package let sampleIndices: UnsafeMutablePointer<UInt32>

    /// Where the bytes of samples lie that are read as bytes, [maximumRows].
    package let byteRows: UnsafeMutablePointer<UnsafePointer<UInt8>?>

    /// Where a block's samples are.
    package enum Input {
        /// In ``inputs``.
        case floats
        /// At ``byteRows``, each byte counting as `scale` times itself: the same bits as its product in ``inputs``.
        case bytes(scale: Float)
    }

    /// Follows the passes, if anybody wants to know where the time goes.
    package var timeline: Timeline?

    private let activation: Activation
    private let output: OutputActivation
    private let cost: Cost
    private let random: Philox
    private let library: MatrixLibrary
    /// Of the network's inputs and of each layer, [maximumRows, outputs]: what layer l reads is `activations[l]`.
    private let activations: [FloatBuffer]
    /// z of each hidden layer, [maximumRows, outputs], where the activation's slope is computed from it.
    private let weightedInputs: [FloatBuffer]
    /// Errors of the layer at hand and of the one before it, alternating by layer, [maximumRows, widest].
    private let deltas: (even: FloatBuffer, odd: FloatBuffer)
    /// Of the inputs and of each hidden layer; nil where all units take part.
    private let dropouts: [DropoutLayer?]
    /// In training, and of the plain cost.
    private let targets: (training: ClassTargets, evaluation: ClassTargets)
    /// Scratch memory of the cost, [2, maximumRows].
    private let logarithms: UnsafeMutablePointer<Double>

    /// - Parameters:
    ///   - architecture: The network.
    ///   - objective: What is trained for; running and evaluating a network needs its cost alone.
    ///   - seed: The run's, from which dropout draws; running and evaluating a network needs none.
    ///   - library: The matrix library.
    ///   - maximumRows: Rows that a block may have.
    /// - Throws: ``NetworkError`` if the architecture can't be built, or the cost is not to be had of its output.
    package init(
        _ architecture: Architecture, objective: Objective, seed: UInt64 = 0, library: MatrixLibrary,
        maximumRows: Int = 1024
    ) throws(NetworkError) {
        precondition(maximumRows > 0)
        let layout = try ParameterLayout(architecture)
        guard objective.cost.accepts(architecture.output) else {
            throw .costOfOutput(objective.cost, architecture.output)
        }
        activation = architecture.activation
        output = architecture.output
        cost = objective.cost
        random = Philox(seed: seed)
        let classes = layout.outputs
        targets = (
            ClassTargets(smoothing: objective.labelSmoothing, classes: classes), ClassTargets(classes: classes)
        )
        dropouts = layout.layers.enumerated().map { index, layer in
            let rate = index == 0 ? objective.inputDropout : objective.hiddenDropout
            guard rate > 0 else { return nil }
            return DropoutLayer(rate: rate, layer: index, units: layer.inputs, maximumRows: maximumRows)
        }
        self.layout = layout
        self.library = library
        self.maximumRows = maximumRows
        activations =
            [FloatBuffer(count: maximumRows * layout.inputs)]
            + layout.layers.map { FloatBuffer(count: maximumRows * $0.outputs) }
        weightedInputs =
            activation.slopeSource == .activation
            ? [] : layout.layers.dropLast().map { FloatBuffer(count: maximumRows * $0.outputs) }
        let widest = layout.layers.map(\.outputs).max() ?? 1
        deltas = (FloatBuffer(count: maximumRows * widest), FloatBuffer(count: maximumRows * widest))
        inputs = activations[0].pointer
        labels = .allocate(capacity: maximumRows)
        labels.initialize(repeating: 0, count: maximumRows)
        sampleIndices = .allocate(capacity: maximumRows)
        sampleIndices.initialize(repeating: 0, count: maximumRows)
        byteRows = .allocate(capacity: maximumRows)
        byteRows.initialize(repeating: nil, count: maximumRows)
        logarithms = .allocate(capacity: 2 * maximumRows)
        logarithms.initialize(repeating: 0, count: 2 * maximumRows)
    }

    deinit {
        labels.deallocate()
        sampleIndices.deallocate()
        byteRows.deallocate()
        logarithms.deallocate()
    }

    /// Whether a block of so many rows had better be given as bytes, where it is bytes.
    package func prefersBytes(rows: Int) -> Bool {
        guard let first = layout.layers.first, dropouts[0] == nil else { return false }
        return library.suitsBytes(rows: rows, outputs: first.outputs, inputs: first.inputs)
            && SmallProducts.scratchCount(depth: first.inputs) <= maximumRows * first.inputs
    }

    /// The gradient of the cost summed over the first `rows` samples: the sum, not the mean.
    ///
    /// - Parameters:
    ///   - rows: 1...maximumRows.
    ///   - input: Where they are; bytes only if that is preferred.
    ///   - epoch: Of the training; dropout draws anew in each.
    ///   - weights: The parameters, in the layout.
    ///   - gradient: Receives the sum, in the layout.
    ///   - accumulating: Adds to what `gradient` holds.
    ///   - layerDone: Called with l once layer l's segment is final, the last layer first.
    /// - Returns: The sum of the costs, in double, added row by row.
    package func gradient(
        rows: Int, input: Input = .floats, epoch: UInt32 = 0, weights: UnsafePointer<Float>,
        into gradient: UnsafeMutablePointer<Float>, accumulating: Bool, layerDone: (Int) throws -> Void
    ) rethrows -> Double {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        forward(rows: rows, input, weights: weights, trainingIn: epoch)
        let last = layout.layers.count - 1
        timeline?.enter(.backward, layer: last)
        let lossSum = outputPass(rows: rows, targets.training, delta: delta(last))
        sumColumns(
            delta(last), rows: rows, columns: layout.outputs, accumulating: accumulating,
            into: gradient + layout.layers[last].biases.lowerBound)

        for l in stride(from: last, through: 0, by: -1) {
            let layer = layout.layers[l]
            timeline?.enter(.backward, layer: l)
            let product = gradient + layer.weights.lowerBound
            if l == 0, case .bytes(let scale) = input {
                library.weightGradient(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l),
                    a: ByteRows(rows: byteRows, scale: scale), accumulating: accumulating, into: product,
                    scratch: inputs)
            } else {
                library.weightGradient(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l), a: activations[l].pointer,
                    accumulating: accumulating, into: product)
            }
            try layerDone(l)
            if l > 0 {
                library.backward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l),
                    w: weights + layer.weights.lowerBound, into: delta(l - 1))
                restoreDropouts(l, rows: rows)
                activation.backward(
                    delta(l - 1), source: (weightedInputs.isEmpty ? activations[l] : weightedInputs[l - 1]).pointer,
                    rows: rows, columns: layer.inputs,
                    accumulating: accumulating, biasGradient: gradient + layout.layers[l - 1].biases.lowerBound)
            }
        }
        return lossSum
    }

    /// Classifies the first `rows` samples.
    ///
    /// - Parameters:
    ///   - rows: 1...maximumRows.
    ///   - input: Where they are; bytes only if that is preferred.
    ///   - weights: The parameters, in the layout.
    ///   - predictions: Receives the class of each row's largest output, the lowest on a tie, [rows]. An output that is
    ///     not a number is never the largest; a row of nothing else gives class 0.
    /// - Returns: How many predictions equal the labels, and the sum of the costs, in double, added row by row. A row
    ///   with an output that is not a number counts as wrong.
    package func evaluate(
        rows: Int, input: Input = .floats, weights: UnsafePointer<Float>, predictions: UnsafeMutablePointer<Int>
    ) -> (correct: Int, lossSum: Double) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        forward(rows: rows, input, weights: weights, trainingIn: nil)
        let lossSum = outputPass(rows: rows, targets.evaluation, delta: nil)
        let outputs = activations[layout.layers.count].pointer
        let classes = layout.outputs
        var correct = 0
        for row in 0..<rows {
            let values = UnsafeBufferPointer(start: outputs + row * classes, count: classes)
            let largest = indexOfLargest(values)
            predictions[row] = largest.index
            if largest.index == Int(labels[row]) && !largest.sawNaN { correct += 1 }
        }
        return (correct, lossSum)
    }

    /// The network's outputs for the first `rows` samples, [rows, layout.outputs], row-major; valid until the next
    /// verb.
    package func outputs(rows: Int, weights: UnsafePointer<Float>) -> UnsafePointer<Float> {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        forward(rows: rows, .floats, weights: weights, trainingIn: nil)
        let outputs = activations[layout.layers.count].pointer
        switch output {
        case .sigmoid: applySigmoid(outputs, count: rows * layout.outputs)
        case .softmax: applySoftmax(outputs, rows: rows, outputs: layout.outputs)
        }
        return UnsafePointer(outputs)
    }

    /// Activations of the hidden layers, and the weighted inputs of the last; with dropout in the training of `epoch`.
    private func forward(rows: Int, _ source: Input, weights: UnsafePointer<Float>, trainingIn epoch: UInt32?) {
        precondition(rows > 0 && rows <= maximumRows)
        for (l, layer) in layout.layers.enumerated() {
            timeline?.enter(.forward, layer: l)
            let input = activations[l].pointer
            if let epoch, let dropout = dropouts[l] {
                dropout.apply(to: input, rows: rows, random: random, epoch: epoch, samples: sampleIndices)
            }
            let output = activations[l + 1].pointer
            let layerWeights = weights + layer.weights.lowerBound
            if l == 0, case .bytes(let scale) = source {
                library.forward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs,
                    a: ByteRows(rows: byteRows, scale: scale), w: layerWeights, into: output, scratch: input)
            } else {
                library.forward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, a: input, w: layerWeights, into: output)
            }
            let biases = weights + layer.biases.lowerBound
            if l + 1 < layout.layers.count {
                activation.forward(
                    output, biases: biases, rows: rows, columns: layer.outputs,
                    keeping: weightedInputs.isEmpty ? nil : weightedInputs[l].pointer)
            } else {
                addRow(biases, to: output, rows: rows, columns: layer.outputs)
            }
        }
    }

    /// Turns the last layer's weighted inputs into activations.
    ///
    /// - Parameters:
    ///   - rows: Rows of the block.
    ///   - targets: What the outputs should be.
    ///   - delta: Receives the last layer's errors, unless nil.
    /// - Returns: The sum of the rows' costs, in double, added row by row.
    private func outputPass(rows: Int, _ targets: ClassTargets, delta: UnsafeMutablePointer<Float>?) -> Double {
        let classes = layout.outputs
        let outputs = activations[layout.layers.count].pointer
        switch (cost, output) {
        case (.crossEntropy, .softmax):
            return softmaxCrossEntropy(
                outputs, labels: labels, rows: rows, outputs: classes, targets: targets, logarithms: logarithms,
                delta: delta)
        case (.crossEntropy, .sigmoid):
            return sigmoidCrossEntropy(
                outputs, labels: labels, rows: rows, outputs: classes, targets: targets, delta: delta)
        case (.quadratic, _):
            applySigmoid(outputs, count: rows * classes)
            guard let delta else {
                return quadraticCost(activations: outputs, labels: labels, rows: rows, outputs: classes)
            }
            return quadraticCostAndDelta(
                activations: outputs, labels: labels, rows: rows, outputs: classes, delta: delta)
        }
    }

    /// Takes dropout out of what layer `l` reads: its errors become those of activations without it, and its activations
    /// what they were before.
    private func restoreDropouts(_ l: Int, rows: Int) {
        guard let dropout = dropouts[l] else { return }
        dropout.apply(toErrors: delta(l - 1), rows: rows)
        scale(activations[l].pointer, by: 1 / dropout.scale, count: rows * layout.layers[l].inputs)
    }

    /// Errors of layer `l`, [rows, outputs], row-major.
    private func delta(_ l: Int) -> UnsafeMutablePointer<Float> {
        l % 2 == 0 ? deltas.even.pointer : deltas.odd.pointer
    }
}

/// The first of the largest values, passing over those that are not a number.
private func indexOfLargest(_ values: UnsafeBufferPointer<Float>) -> (index: Int, sawNaN: Bool) {
    var index = 0
    var largest = -Float.infinity
    var sawNaN = false
    for (i, value) in values.enumerated() {
        if value > largest { (index, largest) = (i, value) }
        sawNaN = sawNaN || value.isNaN
    }
    return (index, sawNaN)
}

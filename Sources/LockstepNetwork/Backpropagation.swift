package import LockstepCompute
import LockstepNumerics
package import LockstepTimeline

/// One thread's workspace for a network: the forward and backward pass over a block of samples.
///
/// `init` makes all buffers; no method allocates. The caller copies a block into ``inputs`` and ``labels``, then calls a
/// method. The rounding of a row in a matrix product depends on how many rows share the call, so the size of a block is
/// part of the arithmetic.
package final class Backpropagation {
    package let layout: ParameterLayout
    /// The largest number of rows in a block.
    package let maximumRows: Int
    /// The block's samples, [maximumRows, layout.inputs], row-major; scratch memory if the samples are read as bytes.
    package let inputs: UnsafeMutablePointer<Float>
    /// The samples' classes, [maximumRows].
    package let labels: UnsafeMutablePointer<UInt16>
    /// The samples' indices in the data set, [maximumRows]: dropout derives its random numbers from them.
    package let sampleIndices: UnsafeMutablePointer<UInt32>
    /// The address of each sample's bytes, [maximumRows], if the samples are read as bytes.
    package let byteRows: UnsafeMutablePointer<UnsafePointer<UInt8>?>

    /// The form of a block's samples.
    package enum Input {
        /// Floats in ``inputs``.
        case floats
        /// Bytes at ``byteRows``; byte b has the value `scale` b. The results have the same bits as with floats.
        case bytes(scale: Float)
    }

    /// Records the phases of each pass; nil if no report of times is wanted.
    package var timeline: Timeline?

    private let activation: Activation
    private let output: OutputActivation
    private let cost: Cost
    private let random: Philox
    private let products: MatrixProducts
    /// The network's inputs and each layer's activations, [maximumRows, outputs]: layer l reads `activations[l]`.
    private let activations: [FloatBuffer]
    /// Each hidden layer's weighted inputs z, [maximumRows, outputs], if the activation's slope is a function of z.
    private let weightedInputs: [FloatBuffer]
    /// The errors of the current layer and the layer before it, alternating by layer, [maximumRows, widest].
    private let deltas: (even: FloatBuffer, odd: FloatBuffer)
    /// The dropout of the inputs and of each hidden layer; nil for layers without dropout.
    private let dropouts: [DropoutLayer?]
    /// The targets in training, and those of evaluation, without label smoothing.
    private let targets: (training: ClassTargets, evaluation: ClassTargets)
    /// Scratch memory of the cost, [2, maximumRows].
    private let logarithms: UnsafeMutablePointer<Double>

    /// - Parameters:
    ///   - architecture: The network.
    ///   - objective: The objective of training; an evaluation uses its cost only.
    ///   - seed: The run's seed, from which dropout derives its random numbers; an evaluation does not use it.
    ///   - library: Computes the products.
    ///   - maximumRows: The largest number of rows in a block.
    /// - Throws: ``NetworkError`` if the architecture is impossible or its output does not go with the cost, `ComputeError`
    ///   if the compute library is needed and cannot be used.
    package init(
        _ architecture: Architecture, objective: Objective, seed: UInt64 = 0, library: ComputeLibrary,
        maximumRows: Int = 1024
    ) throws {
        precondition(maximumRows > 0)
        let layout = try ParameterLayout(architecture)
        guard objective.cost.accepts(architecture.output) else {
            throw NetworkError.costOfOutput(objective.cost, architecture.output)
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
        products = try library.products(forLayersOf: layout.layers.map(\.outputs))
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

    /// Whether a block of this many rows should be read as bytes, if its samples are bytes.
    package func prefersBytes(rows: Int) -> Bool {
        guard let first = layout.layers.first, dropouts[0] == nil else { return false }
        return products.suitsBytes(rows: rows, outputs: first.outputs, inputs: first.inputs)
            && SmallProducts.scratchCount(depth: first.inputs) <= maximumRows * first.inputs
    }

    /// Computes the gradient of the loss, summed over the first `rows` samples: the sum, not the mean.
    ///
    /// - Parameters:
    ///   - rows: 1...maximumRows.
    ///   - input: The form of the samples; bytes only if ``prefersBytes(rows:)``.
    ///   - epoch: The epoch of training; dropout draws new masks in each.
    ///   - weights: The parameters, [layout.count].
    ///   - gradient: Receives the sum, [layout.count].
    ///   - accumulating: Whether the sum is added to the content of `gradient`.
    ///   - layerDone: Called with l once layer l's segment is final, the last layer first.
    /// - Returns: The sum of the losses, in double, added row by row.
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
                products.weightGradient(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l),
                    a: ByteRows(rows: byteRows, scale: scale), accumulating: accumulating, into: product,
                    scratch: inputs)
            } else {
                products.weightGradient(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l), a: activations[l].pointer,
                    accumulating: accumulating, into: product)
            }
            try layerDone(l)
            if l > 0 {
                products.backward(
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
    ///   - input: The form of the samples; bytes only if ``prefersBytes(rows:)``.
    ///   - weights: The parameters, [layout.count].
    ///   - predictions: Receives the class of each row's largest output, the lowest class on a tie, [rows]. NaN is never
    ///     the largest; a row of NaNs gives class 0.
    /// - Returns: The number of predictions that equal the labels, and the sum of the losses, in double, added row by row.
    ///   A row with a NaN counts as wrong.
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

    /// Computes the network's outputs for the first `rows` samples, [rows, layout.outputs], row-major; valid until the
    /// next call.
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

    /// Computes the activations of the hidden layers and the weighted inputs of the last layer; with dropout if `epoch` is
    /// given.
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
                products.forward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs,
                    a: ByteRows(rows: byteRows, scale: scale), w: layerWeights, into: output, scratch: input)
            } else {
                products.forward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, a: input, w: layerWeights, into: output)
            }
            let biases = weights + layer.biases.lowerBound
            if l + 1 < layout.layers.count {
                activation.forward(
                    output, biases: biases, rows: rows, columns: layer.outputs,
                    storing: weightedInputs.isEmpty ? nil : weightedInputs[l].pointer)
            } else {
                addRow(biases, to: output, rows: rows, columns: layer.outputs)
            }
        }
    }

    /// Computes the last layer's activations from its weighted inputs, the loss, and the last layer's errors.
    ///
    /// - Parameters:
    ///   - rows: Rows of the block.
    ///   - targets: The target outputs.
    ///   - delta: Receives the last layer's errors; nil if the caller does not need them.
    /// - Returns: The sum of the rows' losses, in double, added row by row.
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

    /// Undoes the dropout of layer `l`'s inputs: multiplies their errors by the mask, and divides the activations of kept
    /// units by the mask's scale.
    private func restoreDropouts(_ l: Int, rows: Int) {
        guard let dropout = dropouts[l] else { return }
        dropout.apply(toErrors: delta(l - 1), rows: rows)
        scale(activations[l].pointer, by: 1 / dropout.scale, count: rows * layout.layers[l].inputs)
    }

    /// The errors of layer `l`, [rows, outputs], row-major.
    private func delta(_ l: Int) -> UnsafeMutablePointer<Float> {
        l % 2 == 0 ? deltas.even.pointer : deltas.odd.pointer
    }
}

/// The index of the largest value, the lowest index on a tie; NaNs are ignored.
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

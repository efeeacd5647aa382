package import LockstepBLAS
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
    /// Samples, [maximumRows, layout.inputs], row-major.
    package let inputs: UnsafeMutablePointer<Float>
    /// Classes of the samples, [maximumRows].
    package let labels: UnsafeMutablePointer<UInt16>

    /// Follows the passes, if anybody wants to know where the time goes.
    package var timeline: Timeline?

    private let activation: Activation
    private let library: MatrixLibrary
    /// Of the network's inputs and of each layer, [maximumRows, outputs]: what layer l reads is `activations[l]`.
    private let activations: [FloatBuffer]
    /// Errors of the layer at hand and of the one before it, alternating by layer, [maximumRows, widest].
    private let deltas: (even: FloatBuffer, odd: FloatBuffer)

    package init(
        _ layout: ParameterLayout, activation: Activation, library: MatrixLibrary, maximumRows: Int = 1024
    ) {
        precondition(maximumRows > 0)
        self.layout = layout
        self.activation = activation
        self.library = library
        self.maximumRows = maximumRows
        activations =
            [FloatBuffer(count: maximumRows * layout.inputs)]
            + layout.layers.map { FloatBuffer(count: maximumRows * $0.outputs) }
        let widest = layout.layers.map(\.outputs).max() ?? 1
        deltas = (FloatBuffer(count: maximumRows * widest), FloatBuffer(count: maximumRows * widest))
        inputs = activations[0].pointer
        labels = .allocate(capacity: maximumRows)
        labels.initialize(repeating: 0, count: maximumRows)
    }

    deinit {
        labels.deallocate()
    }

    /// The gradient of Σ ½ ‖y - a‖² over the first `rows` samples: the sum, not the mean.
    ///
    /// - Parameters:
    ///   - rows: 1...maximumRows.
    ///   - weights: The parameters, in the layout.
    ///   - gradient: Receives the sum, in the layout.
    ///   - accumulating: Adds to what `gradient` holds.
    ///   - layerDone: Called with l once layer l's segment is final, the last layer first.
    /// - Returns: The sum of the costs, in double, added row by row.
    package func gradient(
        rows: Int, weights: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool,
        layerDone: (Int) throws -> Void
    ) rethrows -> Double {
        forward(rows: rows, weights: weights)
        let last = layout.layers.count - 1
        timeline?.enter(.backward, layer: last)
        let cost = quadraticCostAndDelta(
            activations: activations[last + 1].pointer, labels: labels, rows: rows, outputs: layout.outputs,
            delta: delta(last))
        sumColumns(
            delta(last), rows: rows, columns: layout.outputs, accumulating: accumulating,
            into: gradient + layout.layers[last].biases.lowerBound)

        for l in stride(from: last, through: 0, by: -1) {
            let layer = layout.layers[l]
            timeline?.enter(.backward, layer: l)
            library.weightGradient(
                rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l), a: activations[l].pointer,
                accumulating: accumulating, into: gradient + layer.weights.lowerBound)
            try layerDone(l)
            if l > 0 {
                library.backward(
                    rows: rows, outputs: layer.outputs, inputs: layer.inputs, d: delta(l),
                    w: weights + layer.weights.lowerBound, into: delta(l - 1))
                activation.passBack(
                    delta(l - 1), activations: activations[l].pointer, rows: rows, columns: layer.inputs,
                    accumulating: accumulating, biasGradient: gradient + layout.layers[l - 1].biases.lowerBound)
            }
        }
        return cost
    }

    /// Classifies the first `rows` samples.
    ///
    /// - Parameters:
    ///   - rows: 1...maximumRows.
    ///   - weights: The parameters, in the layout.
    ///   - predictions: Receives the class of each row's largest output, the lowest on a tie, [rows]. An output that is
    ///     not a number is never the largest; a row of nothing else gives class 0.
    /// - Returns: How many predictions equal the labels, and the sum of the costs, in double, added row by row. A row
    ///   with an output that is not a number counts as wrong.
    package func evaluate(
        rows: Int, weights: UnsafePointer<Float>, predictions: UnsafeMutablePointer<Int>
    ) -> (correct: Int, cost: Double) {
        let outputs = outputs(rows: rows, weights: weights)
        let classes = layout.outputs
        var correct = 0
        for row in 0..<rows {
            let values = UnsafeBufferPointer(start: outputs + row * classes, count: classes)
            let largest = indexOfLargest(values)
            predictions[row] = largest.index
            if largest.index == Int(labels[row]) && !largest.sawNaN { correct += 1 }
        }
        return (correct, quadraticCost(activations: outputs, labels: labels, rows: rows, outputs: classes))
    }

    /// The network's outputs for the first `rows` samples, [rows, layout.outputs], row-major; valid until the next
    /// verb.
    package func outputs(rows: Int, weights: UnsafePointer<Float>) -> UnsafePointer<Float> {
        forward(rows: rows, weights: weights)
        return UnsafePointer(activations[layout.layers.count].pointer)
    }

    private func forward(rows: Int, weights: UnsafePointer<Float>) {
        precondition(rows > 0 && rows <= maximumRows)
        for (l, layer) in layout.layers.enumerated() {
            timeline?.enter(.forward, layer: l)
            let output = activations[l + 1].pointer
            library.forward(
                rows: rows, outputs: layer.outputs, inputs: layer.inputs, a: activations[l].pointer,
                w: weights + layer.weights.lowerBound, into: output)
            activation.activate(
                output, biases: weights + layer.biases.lowerBound, rows: rows, columns: layer.outputs)
        }
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

import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting

/// A network of a random shape with random parameters and samples, ready to compute and described in double.
struct NetworkCase {
    let computer: any ModelComputer
    let layout: ParameterLayout
    let weights: FloatBuffer
    let rows: Int
    let reference: ReferenceNetwork
    let samples: [[Double]]
    let labels: [Int]

    init(sizes: [Int], rows: Int, seed: UInt64, kind: NetworkKind = NetworkKind()) throws {
        var random = SplitMix64(seed: seed)
        let architecture = Architecture(
            sizes: sizes, activation: kind.activation, output: kind.output, initializer: kind.initializer)
        let model = try NetworkModel(
            architecture, objective: Objective(cost: kind.cost, labelSmoothing: kind.labelSmoothing))
        layout = model.layout
        weights = FloatBuffer(count: layout.count)
        model.initialize(seed: seed, into: weights)
        self.rows = rows
        computer = try model.makeComputer(
            seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows + 1)
        try computer.prepare(rows: [rows, rows + 1])
        computer.load(weights: weights.pointer)
        let pixels = (0..<rows * sizes[0]).map { _ in Float.random(in: 0...1, using: &random) }
        let classCount = sizes[sizes.count - 1]
        let classes = (0..<rows).map { _ in Int.random(in: 0..<classCount, using: &random) }
        for (i, pixel) in pixels.enumerated() { computer.inputs[i] = pixel }
        for (i, label) in classes.enumerated() { computer.labels[i] = UInt16(label) }
        samples = (0..<rows).map { row in pixels[row * sizes[0]..<(row + 1) * sizes[0]].map(Double.init) }
        labels = classes
        reference = ReferenceNetwork(sizes: sizes, kind: kind, parameters: weights.buffer.map(Double.init))
    }

    /// A shape of 2 to 5 layers and up to 40 rows, from the seed.
    static func random(seed: UInt64, kind: NetworkKind = NetworkKind()) throws -> NetworkCase {
        var random = SplitMix64(seed: seed &+ 1000)
        let sizes = (0..<Int.random(in: 2...5, using: &random)).map { _ in Int.random(in: 1...35, using: &random) }
        return try NetworkCase(sizes: sizes, rows: Int.random(in: 1...40, using: &random), seed: seed, kind: kind)
    }

    /// The places of the weights and biases of a layer.
    func places(_ layer: Int) -> (weights: Range<Int>, biases: Range<Int>) {
        let tensors = layout.segments[layer].tensors
        return (tensors[0].range, tensors[1].range)
    }

    /// The sums of the gradients and of the losses.
    func gradient() -> (gradient: [Float], cost: Double) {
        let gradient = FloatBuffer(count: layout.count)
        gradient.buffer.update(repeating: .nan)
        let cost = computer.gradient(rows: rows, into: gradient)
        return (Array(gradient.buffer), cost)
    }
}

extension ModelComputer {
    /// The gradient of a block, in the first epoch.
    func gradient(
        rows: Int, input: BlockInput = .floats, epoch: UInt32 = 0, into gradient: FloatBuffer,
        accumulating: Bool = false
    ) -> Double {
        self.gradient(
            rows: rows, input: input, epoch: epoch, into: gradient.pointer, accumulating: accumulating,
            segmentDone: { _ in })
    }

    /// The score of a block of floats.
    func evaluate(rows: Int, predictions: UnsafeMutablePointer<Int>) -> (correct: Int, lossSum: Double) {
        evaluate(rows: rows, input: .floats, predictions: predictions)
    }
}

/// A network's activation, output and cost functions and its initializer.
struct NetworkKind: Hashable, Sendable, CustomStringConvertible {
    var activation = Activation.sigmoid
    var output = OutputActivation.sigmoid
    var cost = Cost.quadratic
    var labelSmoothing = 0.0
    var initializer = Initializer.standardNormal

    /// Every possible combination.
    static let all = Activation.allCases.flatMap { activation in
        [
            NetworkKind(activation: activation, initializer: .scaledNormal),
            NetworkKind(activation: activation, cost: .crossEntropy, initializer: .scaledNormal),
            NetworkKind(activation: activation, cost: .crossEntropy, labelSmoothing: 0.2, initializer: .scaledNormal),
            NetworkKind(activation: activation, output: .softmax, cost: .crossEntropy, initializer: .scaledNormal),
            NetworkKind(
                activation: activation, output: .softmax, cost: .crossEntropy, labelSmoothing: 0.1,
                initializer: .scaledNormal),
        ]
    }

    var description: String {
        "\(activation.rawValue), \(output.rawValue), \(cost.rawValue), smoothing \(labelSmoothing)"
    }
}

/// The largest difference, relative to the largest expected value; infinite if a value is NaN.
func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
    let scale = expected.map(abs).max() ?? 1
    return zip(actual, expected).reduce(0) { largest, pair in
        let difference = abs(Double(pair.0) - pair.1) / max(scale, .leastNormalMagnitude)
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}

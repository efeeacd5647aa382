import LockstepCompute
import LockstepNetwork
import LockstepNumerics
import LockstepTesting

/// A network of a random shape with random parameters and samples, ready to compute and described in double.
struct NetworkCase {
    let backpropagation: Backpropagation
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
        layout = try ParameterLayout(architecture)
        weights = FloatBuffer(count: layout.count)
        try initialize(architecture, seed: seed, into: weights)
        self.rows = rows
        backpropagation = try Backpropagation(
            architecture, objective: Objective(cost: kind.cost, labelSmoothing: kind.labelSmoothing),
            library: try ComputeLibrary.open(.portable), maximumRows: rows + 1)
        let pixels = (0..<rows * sizes[0]).map { _ in Float.random(in: 0...1, using: &random) }
        let classCount = layout.outputs
        let classes = (0..<rows).map { _ in Int.random(in: 0..<classCount, using: &random) }
        for (i, pixel) in pixels.enumerated() { backpropagation.inputs[i] = pixel }
        for (i, label) in classes.enumerated() { backpropagation.labels[i] = UInt16(label) }
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

    /// The sums of the gradients and of the losses.
    func gradient() -> (gradient: [Float], cost: Double) {
        let gradient = FloatBuffer(count: layout.count)
        gradient.buffer.update(repeating: .nan)
        let cost = backpropagation.gradient(
            rows: rows, weights: weights.pointer, into: gradient.pointer, accumulating: false, layerDone: { _ in })
        return (Array(gradient.buffer), cost)
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

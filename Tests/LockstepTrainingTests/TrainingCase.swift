import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining

/// A small run in this process: random samples, a network, and a computer.
struct TrainingCase {
    let configuration: RunConfiguration
    let dataset: Dataset
    let computer: ShardComputer

    /// - Parameters:
    ///   - sizes: The network's layers; the last size is the number of classes.
    ///   - training: Training samples.
    ///   - validation: Validation samples.
    ///   - test: Test samples.
    ///   - batch: Samples in a mini-batch.
    ///   - shards: Shards of a mini-batch.
    ///   - epochs: Epochs.
    ///   - seed: The seed of the samples and of the run.
    /// - Throws: Why the data set, the network or the compute library cannot be made.
    init(
        sizes: [Int] = [12, 7, 3], training: Int = 50, validation: Int = 20, test: Int = 30, batch: Int = 8,
        shards: Int = 3, epochs: Int = 2, seed: UInt64 = 1
    ) throws {
        var random = SplitMix64(seed: seed)
        let (inputs, classes) = (sizes[0], UInt16(sizes[sizes.count - 1]))
        let count = training + validation + test
        let features = (0..<count * inputs).map { _ in UInt8.random(in: 0...255, using: &random) }
        // Brighter samples are of higher classes: there is something to learn.
        let labels = (0..<count).map { sample -> UInt16 in
            let sum = features[sample * inputs..<(sample + 1) * inputs].reduce(0) { $0 + Int($1) }
            return UInt16(min(Int(classes) - 1, sum * Int(classes) / (inputs * 256)))
        }
        dataset = try Dataset.make(
            name: "random", inputSize: inputs, features: features, labels: labels, validation: validation, test: test,
            classCount: Int(classes))
        configuration = RunConfiguration(
            name: "case", data: .named("random"), network: Architecture(sizes: sizes),
            training: TrainingOptions(epochs: epochs, batch: batch, seed: seed), optimizer: .sgd(learningRate: 1),
            shards: shards, kernel: .portable)
        computer = try ShardComputer(
            configuration: configuration, dataset: dataset, library: try ComputeLibrary.open(.portable))
    }

    var schedule: BatchSchedule { computer.schedule }
    var layout: ParameterLayout { computer.layout }

    /// The weights that the run starts from.
    func initialWeights() throws -> FloatBuffer {
        let weights = FloatBuffer(count: layout.count)
        try configuration.makeModel().initialize(seed: configuration.training.seed, into: weights)
        return weights
    }

    /// The gradient of one node, and its loss.
    func gradient(of node: NodeID, in batch: Batch, weights: FloatBuffer) -> (gradient: [Float], loss: Double) {
        let gradient = FloatBuffer(count: layout.count)
        gradient.buffer.update(repeating: .nan)
        let loss = computer.gradient(of: node, in: batch, weights: weights.pointer, into: gradient.pointer) { _ in }
        return (Array(gradient.buffer), loss)
    }
}

extension SummationTree {
    /// Nodes that together cover the batch, cut at random, in a random order.
    func randomCover(using random: inout SplitMix64) -> [NodeID] {
        var cover: [NodeID] = []
        var open = [root]
        while let node = open.popLast() {
            if let (left, right) = children(of: node), Bool.random(using: &random) {
                open += [left, right]
            } else {
                cover.append(node)
            }
        }
        return cover.shuffled(using: &random)
    }

    /// A value for each node from the leaves' values, added as in the tree.
    func sums<Value>(of leaf: (NodeID) -> Value, adding add: (Value, Value) -> Value) -> [NodeID: Value] {
        var found: [NodeID: Value] = [:]
        func visit(_ node: NodeID) -> Value {
            let value: Value
            if let (left, right) = children(of: node) {
                value = add(visit(left), visit(right))
            } else {
                value = leaf(node)
            }
            found[node] = value
            return value
        }
        _ = visit(root)
        return found
    }
}

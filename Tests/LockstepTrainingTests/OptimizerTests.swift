import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Compares each optimizer with its formulas in double, one parameter at a time.
@Suite("Optimizers")
struct OptimizerTests {
    static let configurations: [OptimizerConfiguration] = [
        .sgd(learningRate: 0.3),
        .sgd(learningRate: 0.3, weightDecay: 0.05),
        .sgd(learningRate: 0.1, momentum: 0.9),
        .sgd(learningRate: 0.1, momentum: 0.8, weightDecay: 0.05),
        .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true),
        .sgd(learningRate: 0.1, momentum: 0.7, nesterov: true, weightDecay: 0.02),
        .adamW(learningRate: 0.01, weightDecay: 0),
        .adamW(learningRate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.1),
        .rmsProp(learningRate: 0.01),
        .rmsProp(learningRate: 0.02, alpha: 0.9, epsilon: 1e-3, weightDecay: 0.05),
        .rmsProp(learningRate: 0.01, alpha: 0.95, epsilon: 1e-3, momentum: 0.8, weightDecay: 0.1),
    ]

    @Test("50 steps on random gradients follow the formulas in double", arguments: configurations)
    func reference(configuration: OptimizerConfiguration) throws {
        let run = try OptimizerRun(configuration)
        var expected = run.initial.map(Double.init)
        var memory = expected.map { _ in State() }
        var largestMove = 0.0
        for step in 0..<50 {
            run.run(step)
            for i in expected.indices {
                let gradient = Double(run.sums[step][i]) / Double(run.samples(step))
                let decays = run.layout.tensors.contains { $0.decays && $0.range.contains(i) }
                expected[i] = memory[i].step(expected[i], gradient, configuration, decays: decays)
            }
        }
        for (i, (weight, value)) in zip(run.weights, expected).enumerated() {
            // Weights change by up to 20: a few units in the last place.
            #expect(abs(Double(weight) - value) < 1e-5, "parameter \(i)")
            largestMove = max(largestMove, abs(value - Double(run.initial[i])))
        }
        #expect(largestMove > 0.1)
    }

    @Test("all configurations end at different weights")
    func different() throws {
        let ends = try Self.configurations.map { configuration in
            let run = try OptimizerRun(configuration)
            for step in 0..<5 { run.run(step) }
            return run.weights
        }
        #expect(Set(ends).count == Self.configurations.count)
    }

    @Test("an update that is not finite is reported, wherever it is", arguments: configurations)
    func notFinite(configuration: OptimizerConfiguration) throws {
        let run = try OptimizerRun(configuration)
        let averaged = AveragedOptimizer(run.optimizer, decay: 0.9, count: run.layout.count)
        var sum = run.sums[0]
        sum[20] = .nan
        averaged.beginStep(0, samples: 8)
        for range in [0..<20, 20..<21, 21..<run.layout.count] {
            let check = averaged.update(
                range, from: run.current.pointer, sum: Array(sum[range]), into: run.next.pointer)
            #expect(check.isFinite == !range.contains(20))
        }
    }

    @Test("an update adds up the bits of all that it reads and writes", arguments: configurations)
    func sums(configuration: OptimizerConfiguration) throws {
        let run = try OptimizerRun(configuration)
        let averaged = AveragedOptimizer(run.optimizer, decay: 0.9, count: run.layout.count)
        func state() -> UInt32 {
            averaged.stateBuffers.reduce(0) { $0 &+ sumBits($1.buffer.pointer, count: $1.buffer.count) }
        }
        for step in 0..<3 {
            let before = BitSums(weights: sumBits(run.weights, count: run.layout.count), state: state())
            averaged.beginStep(UInt64(step), samples: 8)
            var check = UpdateCheck()
            for range in [20..<run.layout.count, 0..<20] {
                check += averaged.update(
                    range, from: run.current.pointer, sum: Array(run.sums[step][range]), into: run.next.pointer)
            }
            let next = run.next.values
            #expect(check.isFinite && check.read == before)
            #expect(check.written == BitSums(weights: sumBits(next, count: next.count), state: state()))
            run.adopt(next)
        }
    }

    @Test(
        "The mean square of Adam and RMSprop is checked too: a weight hides that it is infinite",
        arguments: [
            .adamW(learningRate: 0.1), .rmsProp(learningRate: 0.1), .rmsProp(learningRate: 0.1, momentum: 0.9),
        ] as [OptimizerConfiguration])
    func infiniteMeanSquare(configuration: OptimizerConfiguration) throws {
        let run = try OptimizerRun(configuration)
        var sum = run.sums[0]
        sum[3] = 1e30
        run.optimizer.beginStep(0, samples: 1)
        let check = run.optimizer.update(
            0..<run.layout.count, from: run.current.pointer, sum: sum, into: run.next.pointer)
        #expect(!check.isFinite && run.next.values.allSatisfy(\.isFinite))
    }

    @Test("a gradient in the memory of the new weights gives the same bits", arguments: configurations)
    func inPlace(configuration: OptimizerConfiguration) throws {
        let apart = try OptimizerRun(configuration)
        let inPlace = try OptimizerRun(configuration)
        for step in 0..<5 {
            apart.run(step)
            inPlace.runInPlace(step)
        }
        #expect(apart.weights.map(\.bitPattern) == inPlace.weights.map(\.bitPattern))
    }

    @Test("the cut into ranges and their order change no bit", arguments: configurations)
    func ranges(configuration: OptimizerConfiguration) throws {
        let whole = try OptimizerRun(configuration)
        let cut = try OptimizerRun(configuration)
        for step in 0..<5 {
            whole.run(step)
            cut.run(step, ranges: [17..<40, 0..<1, 1..<17, 40..<whole.layout.count])
        }
        #expect(whole.weights.map(\.bitPattern) == cut.weights.map(\.bitPattern))
    }

    @Test("a new optimizer with copied buffers and scalars continues to the same bits", arguments: configurations)
    func restored(configuration: OptimizerConfiguration) throws {
        let straight = try OptimizerRun(configuration)
        for step in 0..<9 { straight.run(step) }

        let first = try OptimizerRun(configuration)
        for step in 0..<4 { first.run(step) }
        let second = try OptimizerRun(configuration)
        #expect(first.optimizer.stateBuffers.map(\.name) == second.optimizer.stateBuffers.map(\.name))
        for (from, to) in zip(first.optimizer.stateBuffers, second.optimizer.stateBuffers) {
            #expect(from.buffer.count == first.layout.count)
            to.buffer.pointer.update(from: from.buffer.pointer, count: from.buffer.count)
        }
        second.optimizer.stateScalars = first.optimizer.stateScalars
        second.adopt(first.weights)
        for step in 4..<9 { second.run(step) }
        #expect(straight.weights.map(\.bitPattern) == second.weights.map(\.bitPattern))
    }

    @Test("plain gradient descent is w - Float(η/m) Σ, to the bit")
    func plain() throws {
        let run = try OptimizerRun(.sgd(learningRate: 0.3))
        run.run(0)
        let scale = Float(0.3 / Double(run.samples(0)))
        #expect(run.weights == zip(run.initial, run.sums[0]).map { $0 - scale * $1 })
    }
}

/// The state of an optimizer for one parameter.
private struct State {
    var t = 0
    var velocity = 0.0
    var mean = 0.0
    var square = 0.0

    mutating func step(_ w: Double, _ g: Double, _ rule: OptimizerConfiguration, decays: Bool) -> Double {
        t += 1
        if let sgd = rule.optimizer as? SGD {
            let d = g + (decays ? sgd.weightDecay * w : 0)
            velocity = sgd.momentum * velocity + d
            return w - sgd.learningRate * (sgd.nesterov ? d + sgd.momentum * velocity : velocity)
        }
        if let rms = rule.optimizer as? RMSpropOptions {
            let d = g + (decays ? rms.weightDecay * w : 0)
            square = rms.alpha * square + (1 - rms.alpha) * d * d
            velocity = rms.momentum * velocity + d / (sqrt(square) + rms.epsilon)
            return w - rms.learningRate * velocity
        }
        guard let adam = rule.optimizer as? AdamWOptions else {
            preconditionFailure("an optimizer without a reference")
        }
        let (rate, beta1, beta2) = (adam.learningRate, adam.beta1, adam.beta2)
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        let meanHat = mean / (1 - pow(beta1, Double(t)))
        let squareHat = square / (1 - pow(beta2, Double(t)))
        return w - (decays ? rate * adam.weightDecay * w : 0) - rate * meanHat / (sqrt(squareHat) + adam.epsilon)
    }
}

/// An optimizer that updates a small network's parameters by random gradients.
private final class OptimizerRun {
    let layout: ParameterLayout
    let optimizer: any Optimizer
    let initial: [Float]
    /// Gradient sums by step.
    let sums: [[Float]]
    private(set) var current: FloatBuffer
    private(set) var next: FloatBuffer

    init(_ configuration: OptimizerConfiguration, schedule: ScheduleConfiguration = .constant) throws {
        let network = Architecture(sizes: [5, 7, 3])
        let layout = try NetworkModel(network).layout
        let run = RunConfiguration(
            name: "x", data: .named("x"), network: network, training: TrainingOptions(epochs: 5, batch: 8),
            optimizer: configuration, schedule: schedule)
        self.layout = layout
        optimizer = run.makeOptimizer(for: layout, rate: run.makeLearningRate(stepsPerEpoch: 10))
        let random = Philox(seed: 11)
        func normals(_ epoch: UInt32) -> [Float] {
            (0..<UInt32(layout.count)).map {
                random.standardNormal(at: RandomPosition(.initialParameters, epoch: epoch, sample: $0))
            }
        }
        initial = normals(1_000)
        sums = (0..<50).map { step in normals(UInt32(step)).map { 4 * $0 + 1 } }
        current = FloatBuffer(count: layout.count)
        next = FloatBuffer(count: layout.count)
        adopt(initial)
    }

    var weights: [Float] { Array(current.buffer) }

    /// The last mini-batch of an epoch is shorter.
    func samples(_ step: Int) -> Int { step % 10 == 9 ? 3 : 8 }

    func adopt(_ weights: [Float]) {
        current.pointer.update(from: weights, count: weights.count)
    }

    func runInPlace(_ step: Int) {
        optimizer.beginStep(UInt64(step), samples: samples(step))
        next.pointer.update(from: sums[step], count: layout.count)
        let whole = 0..<layout.count
        #expect(optimizer.update(whole, from: current.pointer, sum: next.pointer, into: next.pointer).isFinite)
        swap(&current, &next)
    }

    func run(_ step: Int, ranges: [Range<Int>]? = nil) {
        optimizer.beginStep(UInt64(step), samples: samples(step))
        for range in ranges ?? [0..<layout.count] {
            Array(sums[step][range]).withUnsafeBufferPointer { sum in
                guard let sum = sum.baseAddress else { return }
                #expect(optimizer.update(range, from: current.pointer, sum: sum, into: next.pointer).isFinite)
            }
        }
        swap(&current, &next)
    }
}

import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Whole steps of a single process, and what a message's header costs.
func stepBenchmarks(_ dataset: Dataset, _ library: ComputeLibrary) throws -> [Benchmark] {
    try [
        stepBenchmark("sgd", .sgd(learningRate: 3), dataset, batch: 10, shards: 1, library),
        stepBenchmark("sgd", .sgd(learningRate: 3), dataset, batch: 10, shards: 2, library),
        stepBenchmark("adamw", .adamW(learningRate: 0.001), dataset, batch: 100, shards: 4, library),
        headerBenchmark(),
    ]
}

private func stepBenchmark(
    _ name: String, _ optimizer: OptimizerConfiguration, _ dataset: Dataset, batch: Int, shards: Int,
    _ library: ComputeLibrary
) throws -> Benchmark {
    let configuration = RunConfiguration(
        name: "benchmark", data: .named("bytes"), network: Architecture(sizes: [784, 30, 10]),
        training: TrainingOptions(epochs: 1, batch: batch, seed: 1), optimizer: optimizer, shards: shards)
    let computer = try ShardComputer(configuration: configuration, dataset: dataset, library: library)
    let layout = computer.layout
    var step = Step(
        source: LocalGradientSource(computer, inPlace: true), reducer: Reducer(layout: layout.chunks, shards: shards),
        optimizer: configuration.makeOptimizer(
            for: layout, rate: configuration.makeLearningRate(stepsPerEpoch: computer.schedule.stepsPerEpoch)))
    let initial = FloatBuffer(count: layout.count)
    try configuration.makeModel().initialize(seed: 1, into: initial)
    var parameters = VersionedParameters(initial: initial, other: FloatBuffer(count: layout.count))
    // All steps are of one epoch: the first step of another one would shuffle the samples.
    let steps = UInt64(computer.schedule.stepsPerEpoch)
    return Benchmark("step, \(name), 784-30-10, batch \(batch), \(shards) shards") {
        let batch = Batch(step: parameters.version % steps, schedule: computer.schedule)
        guard (try? step.run(batch, &parameters)) != nil else { preconditionFailure("a step that fails") }
    }
}

private func headerBenchmark() -> Benchmark {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Header.size, alignment: 8)
    var step: UInt64 = 0
    return Benchmark("header, encoded and decoded") {
        step += 1
        Header(kind: .assign, run: 1, member: 2, unit: 3, step: step).encode(into: bytes)
        guard let header = try? Header(decoding: UnsafeRawBufferPointer(bytes)), header.step == step else {
            preconditionFailure("a header that is not decoded")
        }
    }
}

/// Samples of 784 bytes in ten classes, with MNIST's sizes and no meaning.
func byteDataset(samples: Int) throws -> Dataset {
    try Dataset.make(
        name: "bytes", inputSize: 784, features: (0..<samples * 784).map { UInt8(truncatingIfNeeded: $0 * 7919) },
        labels: (0..<samples).map { UInt16($0 % 10) })
}

import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepRuns
import LockstepRuntime
import LockstepTraining

extension Network {
    /// Trains by stochastic gradient descent: w -> w - η/m Σ ∂C/∂w over each mini-batch of m samples.
    ///
    /// The command `lockstep train` uses the same trainer: a run with the same sizes, seed, shards and kernel gives the
    /// same weights there, and with any number of workers here.
    ///
    /// - Parameters:
    ///   - dataset: Its training split gives the gradients; the network is evaluated on the test and validation splits
    ///     after every epoch.
    ///   - epochs: Passes over the training samples.
    ///   - batch: Samples in a mini-batch, m; an epoch's last mini-batch may be shorter.
    ///   - learningRate: η.
    ///   - seed: The key of each epoch's order of the samples; nil: the seed that the network was made with.
    ///   - shards: Parts that every mini-batch is cut into; the weights depend on it. nil: the number of workers.
    ///   - workers: Processes that compute the gradients; nil: this process alone.
    ///   - watch: Called after each epoch.
    /// - Returns: All epochs, in order.
    /// - Throws: ``LockstepError``; the network is then unchanged.
    @discardableResult
    public mutating func train(
        on dataset: Dataset, epochs: Int, batch: Int, learningRate: Double, seed: UInt64? = nil, shards: Int? = nil,
        workers: Workers? = nil, watch: @escaping (Epoch) -> Void = { _ in }
    ) throws(LockstepError) -> [Epoch] {
        guard epochs >= 0, batch >= 1, learningRate.isFinite, learningRate > 0 else {
            throw LockstepError(
                .configuration,
                "\(epochs) epochs, mini-batches of \(batch), learning rate \(learningRate): give 0 epochs or more, "
                    + "mini-batches of 1 sample or more, and a positive learning rate")
        }
        let shards = shards ?? workers?.count ?? 1
        let limits = RunLimits.workers
        guard limits.contains(shards), limits.contains(workers?.count ?? 1) else {
            throw LockstepError(
                .configuration,
                "\(shards) shards, \(workers?.count ?? 1) workers: give 1 to \(limits.upperBound) of each")
        }
        let seed = seed ?? metadata.seed ?? 1
        let observer = EpochObserver(watch)
        try withPublicErrors {
            let configuration = RunConfiguration(
                name: dataset.name, data: .named(dataset.name), network: architecture, cost: cost, targets: targets,
                training: TrainingOptions(epochs: epochs, batch: batch, seed: seed),
                optimizer: .sgd(learningRate: learningRate), shards: shards)
            let run = try TrainingRun(
                configuration: configuration, dataset: dataset.storage, workers: shards,
                kernel: try ComputeLibrary.inUse().kernel, startingWeights: parameters)
            if let workers {
                _ = try run.train(
                    onLocalWorkers: workers.count, executable: workers.executable, observers: [observer])
            } else {
                _ = try run.train(observers: [observer]) { false }
            }
        }
        guard let trained = observer.parameters else {
            preconditionFailure("the run ended without reporting its weights")
        }
        parameters = trained
        metadata = ModelMetadata(
            dataset: dataset.storage.description, outputs: model.outputs, targets: targets, seed: metadata.seed ?? seed,
            programVersion: programVersion)
        return observer.epochs
    }
}

/// Collects a run's epochs and its final weights.
final class EpochObserver: RunObserver {
    private(set) var epochs: [Epoch] = []
    /// The final weights; nil until the run ends.
    private(set) var parameters: FloatBuffer?
    private let watch: (Epoch) -> Void

    init(_ watch: @escaping (Epoch) -> Void) {
        self.watch = watch
    }

    func runWillStart(_ run: RunDescription) {}

    func runDidProgress(_ progress: StepProgress) {}

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        epochs.append(Epoch(epoch))
        if let last = epochs.last { watch(last) }
    }

    func runDidRecover(_ recovery: Recovery) {
        if let progress = recovery.rewoundTo { epochs.removeLast(epochs.count - progress.epochs.count) }
    }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        let copy = FloatBuffer(count: parameters.count)
        copy.pointer.update(from: parameters.pointer, count: parameters.count)
        self.parameters = copy
    }
}

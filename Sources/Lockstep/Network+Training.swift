import LockstepArtifacts
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

extension Network {
    /// Trains by stochastic gradient descent: w -> w - η/m Σ ∂C/∂w over each mini-batch of m samples.
    ///
    /// The command `lockstep train` uses the same trainer: a run with the same sizes, seed, shards and kernel gives the
    /// same weights there, and with any number of workers here. The call blocks its thread;
    /// ``fit(_:_:on:recording:resuming:keeping:progress:)`` does not, and has everything else that a run can have.
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
        var configuration = TrainingConfiguration(
            epochs: epochs, batch: batch, optimizer: .sgd(learningRate: learningRate), seed: seed,
            shards: shards ?? workers?.count ?? 1)
        configuration.name = dataset.name
        let plan = plan(
            dataset, configuration,
            on: workers.map { .workers($0.count, executable: $0.executable) } ?? .thisProcess)
        let result = try plan.run(
            stop: nil,
            emit: { event in
                if case .epoch(let epoch) = event { watch(epoch) }
            })
        adopt(result.final, of: plan)
        return result.epochs
    }

    /// Trains, without blocking a thread of Swift's tasks.
    ///
    /// ```swift
    /// let network = try Network(input: [1, 28, 28], layers: [.convolution(filters: 8, size: 5), .relu, .flatten, .dense(10)])
    /// let configuration = TrainingConfiguration(epochs: 5, batch: 100, optimizer: .adamW(learningRate: 0.001))
    /// let (trained, result) = try await network.fitted(digits, configuration, on: .workers(4)) { event in
    ///     if case .epoch(let epoch) = event { print(epoch) }
    /// }
    /// ```
    ///
    /// If the task is cancelled, the training ends after the step under way, its state is saved if it is recorded, and the
    /// network is unchanged.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for what `lockstep train` leaves behind: checkpoints, models, metrics, `report.html`; nil: no file is
    ///     written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    ///   - kept: Which weights the network has afterwards.
    ///   - progress: Called with each event, in order.
    /// - Returns: How it ended.
    /// - Throws: ``LockstepError``, or `CancellationError`.
    @discardableResult
    public mutating func fit(
        _ dataset: Dataset, _ configuration: TrainingConfiguration, on placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never, keeping kept: KeptWeights = .final,
        progress: (@Sendable (TrainingEvent) -> Void)? = nil
    ) async throws -> TrainingResult {
        let plan = plan(dataset, configuration, on: placement, recording: folder, resuming: resuming)
        let result = try await Training(plan).finished(reporting: progress)
        adopt(result.weights(kept), of: plan)
        return result
    }

    /// Trains a copy of this network; everything is as with ``fit(_:_:on:recording:resuming:keeping:progress:)``, which a global
    /// variable, such as one of `main.swift`, cannot be given to.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for what `lockstep train` leaves behind; nil: no file is written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    ///   - kept: Which weights the trained network has.
    ///   - progress: Called with each event, in order.
    /// - Returns: The trained network, and how the training ended.
    /// - Throws: ``LockstepError``, or `CancellationError`.
    public func fitted(
        _ dataset: Dataset, _ configuration: TrainingConfiguration, on placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never, keeping kept: KeptWeights = .final,
        progress: (@Sendable (TrainingEvent) -> Void)? = nil
    ) async throws -> (network: Network, result: TrainingResult) {
        var trained = self
        let result = try await trained.fit(
            dataset, configuration, on: placement, recording: folder, resuming: resuming, keeping: kept,
            progress: progress)
        return (trained, result)
    }

    /// Starts a training whose result does not change this network: ``use(_:of:keeping:)`` takes the weights over.
    ///
    /// - Parameters:
    ///   - dataset: The samples.
    ///   - configuration: How to train.
    ///   - placement: Which processes compute.
    ///   - folder: A folder for what `lockstep train` leaves behind; nil: no file is written.
    ///   - resuming: Whether it continues an earlier training of that folder.
    /// - Returns: The training, which has begun.
    /// - Throws: ``LockstepError`` if no thread can be started.
    public func training(
        on dataset: Dataset, _ configuration: TrainingConfiguration, placement: WorkerPlacement = .thisProcess,
        recording folder: String? = nil, resuming: Resuming = .never
    ) throws(LockstepError) -> Training {
        try Training(plan(dataset, configuration, on: placement, recording: folder, resuming: resuming))
    }

    /// Uses the weights of a training that this network, or an equal one, has started.
    ///
    /// - Parameters:
    ///   - result: How the training ended.
    ///   - dataset: The data set of the training.
    ///   - kept: Which of its weights.
    /// - Throws: ``LockstepError`` of the kind `configuration` if they belong to another network.
    public mutating func use(
        _ result: TrainingResult, of dataset: Dataset, keeping kept: KeptWeights = .final
    ) throws(LockstepError) {
        let weights = result.weights(kept)
        guard weights.count == layout.count else {
            throw LockstepError(
                .configuration,
                "the training has \(weights.count) weights, the network \(layout.count): they do not fit")
        }
        adopt(weights, dataset.storage, seed: metadata.seed ?? 1)
    }

    private func plan(
        _ dataset: Dataset, _ configuration: TrainingConfiguration, on placement: WorkerPlacement,
        recording folder: String? = nil, resuming: Resuming = .never
    ) -> TrainingPlan {
        var run = RunConfiguration(
            name: dataset.name, data: .named(dataset.name), network: architecture, cost: cost, targets: targets,
            training: TrainingOptions(epochs: 0, batch: 1), optimizer: .sgd(learningRate: 1))
        configuration.apply(to: &run, seed: metadata.seed ?? 1)
        return TrainingPlan(
            configuration: run, dataset: dataset.storage, startingWeights: parameters, placement: placement,
            folder: folder, resuming: resuming)
    }

    private mutating func adopt(_ weights: FloatBuffer, of plan: TrainingPlan) {
        adopt(weights, plan.dataset, seed: metadata.seed ?? plan.configuration.training.seed)
    }

    private mutating func adopt(_ weights: FloatBuffer, _ dataset: LockstepData.Dataset, seed: UInt64) {
        parameters = weights
        metadata = ModelMetadata(
            dataset: dataset.description, outputs: model.outputs, targets: targets, seed: seed,
            programVersion: programVersion)
    }
}

extension Training {
    /// Hands each event over, and waits for the result.
    func finished(reporting progress: (@Sendable (TrainingEvent) -> Void)?) async throws -> TrainingResult {
        if let progress {
            for await event in events { progress(event) }
        }
        return try await result
    }
}

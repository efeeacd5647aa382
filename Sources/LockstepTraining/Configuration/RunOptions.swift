package import LockstepConfiguration

/// How long a run trains, and in which portions.
package struct TrainingOptions: Codable, Hashable, ConfigurationGroup {
    /// Passes over the training split; 0 writes the initial model and ends.
    package var epochs: Int
    /// Samples in a mini-batch; the last one of an epoch may be shorter.
    package var batch: Int
    /// The key of every random number of the run.
    package var seed: UInt64
    /// Evaluations in a row without a better validation count that end the run before its last epoch; nil: none do.
    package var earlyStoppingPlateau: Int?
    /// The largest norm of a mini-batch's mean gradient; nil: any.
    package var clipNorm: Double?
    /// The largest magnitude of an element of it; nil: any.
    package var clipValue: Double?

    package init(
        epochs: Int, batch: Int, seed: UInt64 = 1, earlyStoppingPlateau: Int? = nil, clipNorm: Double? = nil,
        clipValue: Double? = nil
    ) {
        self.epochs = epochs
        self.batch = batch
        self.seed = seed
        self.earlyStoppingPlateau = earlyStoppingPlateau
        self.clipNorm = clipNorm
        self.clipValue = clipValue
    }

    /// How the gradient is limited; nil: it is not.
    package var clipping: GradientClipping? {
        clipNorm.map(GradientClipping.norm) ?? clipValue.map(GradientClipping.value)
    }

    package static let defaults = TrainingOptions(epochs: 0, batch: 1)
    package static let keys = [
        ConfigurationKey(
            "epochs", \TrainingOptions.epochs, .integer(0...1_000_000_000), example: "30",
            "passes over the training samples; 0 writes the initial model", onResume: .mayChangeUnlessScheduleSpansRun),
        ConfigurationKey(
            "batch", \TrainingOptions.batch, .integer(1...1_000_000_000), example: "10",
            "samples in a mini-batch, however many workers share it"),
        ConfigurationKey("seed", \TrainingOptions.seed, .seed, "the key of every random number of the run"),
        ConfigurationKey(
            "early-stopping.patience", \TrainingOptions.earlyStoppingPlateau,
            KeyFormat<Int>.integer(1...1_000_000_000).optional, default: "the run does not stop early",
            unit: "evaluations", "evaluations in a row without a better validation count that end the run",
            onResume: .mayChange),
        ConfigurationKey(
            "clip-norm", \TrainingOptions.clipNorm, KeyFormat<Double>.positive().optional, default: "no limit",
            "the largest norm of a mini-batch's mean gradient: a larger gradient is scaled down to it"),
        ConfigurationKey(
            "clip-value", \TrainingOptions.clipValue, KeyFormat<Double>.positive().optional, default: "no limit",
            "the largest magnitude of an element of that gradient; a run has one of both limits",
            rule: { $0.clipValue != nil && $0.clipNorm != nil ? "must be left out beside 'clip-norm'" : nil }),
    ]
}

/// Regularisation against overfitting, besides weight decay.
package struct RegularizationOptions: Codable, Hashable, ConfigurationGroup {
    /// The part of each hidden layer's neurons that is left out in training.
    package var dropout: Double
    /// The part of the inputs that is left out in training.
    package var inputDropout: Double
    /// The part of the target that is spread evenly over all classes.
    package var labelSmoothing: Double
    /// What a step keeps of the exponential moving average of the weights, which is then evaluated and saved in their
    /// place; 0: no average.
    package var emaDecay: Double

    package init(dropout: Double = 0, inputDropout: Double = 0, labelSmoothing: Double = 0, emaDecay: Double = 0) {
        self.dropout = dropout
        self.inputDropout = inputDropout
        self.labelSmoothing = labelSmoothing
        self.emaDecay = emaDecay
    }

    package static let defaults = RegularizationOptions()
    package static let keys = [
        ConfigurationKey(
            "dropout", \RegularizationOptions.dropout, .number(0..<1),
            "the part of the hidden neurons that is left out for a sample"),
        ConfigurationKey(
            "input-dropout", \RegularizationOptions.inputDropout, .number(0..<1),
            "the part of the inputs that is left out for a sample"),
        ConfigurationKey(
            "label-smoothing", \RegularizationOptions.labelSmoothing, .number(0..<1),
            "the part of the target that all classes share; needs the cross-entropy cost"),
        ConfigurationKey(
            "ema-decay", aliases: ["average"], \RegularizationOptions.emaDecay, .number(0..<1),
            "what a step keeps of the moving average of the weights, which is evaluated and saved; 0: no average"),
    ]
}

/// When the network is evaluated.
package struct EvaluationOptions: Codable, Hashable, ConfigurationGroup {
    /// Epochs between evaluations; 0: never.
    package var every: Int
    /// Training samples that are evaluated too, as the validation samples are; 0: none.
    package var training: Int

    package init(every: Int = 1, training: Int = 0) {
        self.every = every
        self.training = training
    }

    package static let defaults = EvaluationOptions()
    package static let keys = [
        ConfigurationKey(
            "every", \EvaluationOptions.every, .integer(0...1_000_000_000), unit: "epochs",
            "epochs between evaluations; 0: never, and no `best.safetensors`",
            onResume: .mayChangeUnlessScheduleFollowsValidation),
        ConfigurationKey(
            "training", \EvaluationOptions.training, .integer(0...1_000_000_000), unit: "samples",
            "how many of the training samples are evaluated too, the first ones, in blocks of 1,000; 0: none",
            onResume: .mayChange),
    ]
}

/// When a state is saved from which the run can be resumed.
package struct CheckpointOptions: Codable, Hashable, ConfigurationGroup {
    /// Seconds between checkpoints; 0: only at the end, and when a signal asks for one.
    package var every: Double

    package init(every: Double = 30) {
        self.every = every
    }

    package static let defaults = CheckpointOptions()
    package static let keys = [
        ConfigurationKey(
            "every", \CheckpointOptions.every, .number(0..<aWeek), unit: "seconds",
            "seconds between two checkpoints; 0: only at the end and on signals", onResume: .mayChange)
    ]
}

/// How long a coordinator waits for workers, in seconds.
package struct TimeoutOptions: Codable, Hashable, ConfigurationGroup {
    /// For the first workers to join.
    package var start: Double
    /// For a worker to come back once the last one has gone.
    package var rejoin: Double

    package init(start: Double = 60, rejoin: Double = 60) {
        self.start = start
        self.rejoin = rejoin
    }

    package static let defaults = TimeoutOptions()
    package static let keys = [
        ConfigurationKey(
            "start", \TimeoutOptions.start, .positive(atMost: aWeek), unit: "seconds",
            "how long to wait for the first workers",
            onResume: .mayChange),
        ConfigurationKey(
            "rejoin", \TimeoutOptions.rejoin, .positive(atMost: aWeek), unit: "seconds",
            "how long to wait for a worker that was lost or, in a worker, for the coordinator", onResume: .mayChange),
    ]
}

/// Seconds.
private let aWeek = 604_800.0

/// The element type in which weights and gradients are sent. It is part of the arithmetic: a single process rounds alike.
///
/// With bfloat16, gradients are computed on rounded weights, while the optimizer updates float32 weights. The process that
/// computes a shard's gradient or a partial sum rounds it. The sum over all shards is not rounded, except that with one
/// shard that shard's gradient is.
package enum CommunicationDataType: String, CaseIterable, Codable, Sendable {
    case float32
    case bfloat16

    /// Bytes of an element in a message.
    package var elementSize: Int { self == .float32 ? 4 : 2 }

    /// Whether weights and partial sums are rounded.
    var roundsToBFloat16: Bool { self == .bfloat16 }
}

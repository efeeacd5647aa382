import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining

/// How a model is trained: everything that its weights depend on besides the model, the data set and the kernel.
///
/// The names and defaults are the configuration file's; `lockstep train` with the same values gives the same weights. Impossible
/// values are refused when training begins.
///
/// ```swift
/// let configuration = TrainingConfiguration(
///     epochs: 20, batch: 100, optimizer: .adamW(learningRate: 0.001), schedule: .cosine(warmUp: 1),
///     regularization: .init(dropout: 0.2), augmentation: .init(shift: 2, rotation: 10))
/// ```
public struct TrainingConfiguration: Hashable, Sendable {
    /// The run's name in files and reports.
    public var name = "run"
    /// Passes over the training samples.
    public var epochs: Int
    /// Samples in a mini-batch; an epoch's last one may be shorter.
    public var batch: Int
    /// The key of every random number of the training; nil: the seed that the model was made with.
    public var seed: UInt64?
    /// The rule by which a step changes the weights.
    public var optimizer: Optimizer
    /// How the learning rate changes during the run.
    public var schedule: Schedule
    /// What works against overfitting.
    public var regularization: Regularization
    /// How training images are altered.
    public var augmentation: Augmentation
    /// Evaluations in a row without improvement on the validation samples that end the run early; nil: none do.
    public var earlyStoppingPatience: Int?
    /// The largest norm of a mini-batch's mean gradient; nil: any.
    public var gradientNorm: Double?
    /// The largest magnitude of an element of it; nil: any. A run has one of both limits.
    public var gradientValue: Double?
    /// Epochs between evaluations; 0: never.
    public var evaluationInterval = 1
    /// Seconds between checkpoints, where the run is recorded; 0: only at the end.
    public var checkpointInterval = 30.0
    /// Whether weights and gradients travel in bfloat16, half as many bytes; one process rounds alike.
    public var sendsBFloat16 = false
    /// Parts that each mini-batch is cut into, which the weights depend on; nil: the number of workers.
    public var shards: Int?

    /// Makes a configuration; the other properties have defaults.
    ///
    /// - Parameters:
    ///   - epochs: Passes over the training samples.
    ///   - batch: Samples in a mini-batch.
    ///   - optimizer: The rule by which a step changes the weights.
    ///   - schedule: How the learning rate changes during the run.
    ///   - regularization: What works against overfitting.
    ///   - augmentation: How training images are altered.
    ///   - seed: The key of every random number; nil: the model's.
    ///   - shards: Parts of each mini-batch; nil: the number of workers.
    public init(
        epochs: Int, batch: Int, optimizer: Optimizer = .sgd(learningRate: 0.1), schedule: Schedule = .constant,
        regularization: Regularization = Regularization(), augmentation: Augmentation = Augmentation(),
        seed: UInt64? = nil, shards: Int? = nil
    ) {
        self.epochs = epochs
        self.batch = batch
        self.optimizer = optimizer
        self.schedule = schedule
        self.regularization = regularization
        self.augmentation = augmentation
        self.seed = seed
        self.shards = shards
    }

    /// The rule by which a step changes the weights.
    public struct Optimizer: Hashable, Sendable {
        let inner: OptimizerConfiguration

        /// Stochastic gradient descent, with momentum if it is above 0.
        public static func sgd(
            learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
        ) -> Optimizer {
            Optimizer(
                inner: .sgd(
                    learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay))
        }

        /// Adam with decoupled weight decay.
        public static func adamW(
            learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
            weightDecay: Double = 0.01
        ) -> Optimizer {
            Optimizer(
                inner: .adamW(
                    learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay))
        }

        /// RMSprop.
        public static func rmsProp(
            learningRate: Double, alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
            weightDecay: Double = 0
        ) -> Optimizer {
            Optimizer(
                inner: .rmsProp(
                    learningRate: learningRate, alpha: alpha, epsilon: epsilon, momentum: momentum,
                    weightDecay: weightDecay))
        }
    }

    /// How the learning rate changes during the run.
    public struct Schedule: Hashable, Sendable {
        let inner: ScheduleConfiguration

        /// It stays as it is.
        public static let constant = Schedule(inner: .constant)

        /// It is multiplied by `factor` every so many epochs.
        public static func step(every: Int, factor: Double) -> Schedule {
            Schedule(inner: .step(every: every, factor: factor))
        }

        /// It rises for `warmUp` epochs and falls along half a cosine to `final` times the optimizer's.
        public static func cosine(warmUp: Double = 0, final: Double = 0) -> Schedule {
            Schedule(inner: .cosine(warmUp: warmUp, final: final))
        }

        /// It rises over the part `warmUp` of the run and falls again.
        public static func oneCycle(warmUp: Double = 0.3, initial: Double = 0.04, final: Double = 4e-6) -> Schedule {
            Schedule(inner: .oneCycle(warmUp: warmUp, initial: initial, final: final))
        }

        /// It is multiplied by `factor` after so many evaluations in a row without improvement.
        public static func reduceOnPlateau(factor: Double = 0.1, patience: Int = 10, minimum: Double = 0) -> Schedule {
            Schedule(inner: .reduceOnPlateau(factor: factor, plateau: patience, minimum: minimum))
        }
    }

    /// What works against overfitting, besides the optimizer's weight decay.
    public struct Regularization: Hashable, Sendable {
        let inner: RegularizationOptions

        init(_ inner: RegularizationOptions) { self.inner = inner }

        /// Chooses the means; 0 is none of it.
        ///
        /// - Parameters:
        ///   - dropout: The part of each hidden layer's neurons that is left out in training, for networks of sizes.
        ///   - inputDropout: The part of the inputs that is left out in training.
        ///   - labelSmoothing: The part of the target that all classes share.
        ///   - emaDecay: What a step keeps of the moving average of the weights, which is then the model.
        public init(
            dropout: Double = 0, inputDropout: Double = 0, labelSmoothing: Double = 0, emaDecay: Double = 0
        ) {
            inner = RegularizationOptions(
                dropout: dropout, inputDropout: inputDropout, labelSmoothing: labelSmoothing, emaDecay: emaDecay)
        }
    }

    /// How square training images are altered, otherwise in each epoch.
    public struct Augmentation: Hashable, Sendable {
        let inner: AugmentationOptions

        init(_ inner: AugmentationOptions) { self.inner = inner }

        /// Chooses the alterations; 0 is none of it.
        ///
        /// - Parameters:
        ///   - shift: The most pixels that an image is shifted by.
        ///   - rotation: The most degrees that it is turned by.
        ///   - scale: The most part that it is enlarged or reduced by.
        ///   - shear: The most that it is sheared by.
        ///   - elastic: The strength of a smooth random distortion, in pixels.
        ///   - smoothness: How smooth that is, in pixels.
        public init(
            shift: Double = 0, rotation: Double = 0, scale: Double = 0, shear: Double = 0, elastic: Double = 0,
            smoothness: Double = 7
        ) {
            inner = AugmentationOptions(
                shift: shift, rotation: rotation, scale: scale, shear: shear, elastic: elastic, smoothness: smoothness)
        }
    }

    /// Sets the keys of a run that are not the model's.
    func apply(to run: inout RunConfiguration, seed modelSeed: UInt64) {
        run.name = name
        run.training = TrainingOptions(
            epochs: epochs, batch: batch, seed: seed ?? modelSeed, earlyStoppingPlateau: earlyStoppingPatience,
            clipNorm: gradientNorm, clipValue: gradientValue)
        run.optimizer = optimizer.inner
        run.schedule = schedule.inner
        run.regularization = regularization.inner
        run.augmentation = augmentation.inner
        run.evaluation = EvaluationOptions(every: evaluationInterval)
        run.checkpoint = CheckpointOptions(every: checkpointInterval)
        run.communicationDataType = sendsBFloat16 ? .bfloat16 : .float32
        run.shards = shards
    }
}

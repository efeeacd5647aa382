import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining
import Testing

/// Pushes gradients that a test names, as one node.
private final class GivenGradients: GradientSource {
    private let chunks: ChunkLayout
    private let sum: FloatBuffer
    private let values: (UInt64) -> [Float]

    init(_ layout: ParameterLayout, _ values: @escaping (UInt64) -> [Float]) {
        chunks = layout.chunks
        sum = FloatBuffer(count: layout.count)
        self.values = values
    }

    var workers: Int { 1 }
    var membersPresent: Int { 1 }
    var membership: MembershipCounts { MembershipCounts() }

    func gradients(of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void) throws {
        sum.pointer.update(from: values(batch.step), count: sum.count)
        for (index, chunk) in chunks.chunks.enumerated() {
            try push(
                .gradient(
                    batch.tree.root, chunk: index, sum.pointer + chunk.range.lowerBound, isStable: true))
        }
        try push(.lossSum(batch.tree.root, 0))
    }

    func publish(version: UInt64, chunk: Int) {}
    func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) -> [SplitScore]? { [] }
    func workerName(of node: NodeID) -> String? { nil }
}

/// Compares steps with PyTorch's. `Tests/OracleTests/Oracles/pytorch_optimizers.py` has printed the numbers.
@Suite("Steps, against PyTorch")
struct PyTorchNumberTests {
    /// A rule, and the parameters after each step.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let optimizer: OptimizerConfiguration
        var clipping: GradientClipping?
        let steps: [[Double]]
    }

    static let cases = [
        Case(
            testDescription: "SGD",
            optimizer: .sgd(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.05),
            steps: sgd),
        Case(
            testDescription: "AdamW",
            optimizer: .adamW(learningRate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.1),
            steps: adamw),
        Case(testDescription: "RMSprop", optimizer: .rmsProp(learningRate: 0.01), steps: rmsprop),
        Case(
            testDescription: "RMSprop with momentum",
            optimizer: .rmsProp(learningRate: 0.02, alpha: 0.9, epsilon: 1e-3, momentum: 0.8, weightDecay: 0.05),
            steps: rmspropWithMomentum),
        // The norms of the gradients are 3.49, 2.28, 3.31, 1.85 and 3.27.
        Case(
            testDescription: "clipped by norm, in three of five steps",
            optimizer: .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.05), clipping: .norm(2.5),
            steps: clippedByNorm),
        Case(
            testDescription: "clipped by norm, in no step",
            optimizer: .sgd(learningRate: 0.1, momentum: 0.9, weightDecay: 0.05), clipping: .norm(100),
            steps: notClippedByNorm),
        Case(
            testDescription: "clipped by value", optimizer: .rmsProp(learningRate: 0.01, alpha: 0.9, epsilon: 1e-3),
            clipping: .value(0.75), steps: clippedByValue),
    ]

    private static let samples = 4

    /// The gradient's sum over the mini-batch.
    private static func sum(_ step: UInt64) -> [Float] {
        (0..<6).map { Float(samples) * Float((7 * Int(step) + 3 * $0 * $0 + 5) % 16 - 8) / 4 }
    }

    @Test("Five steps give PyTorch's parameters", arguments: cases)
    func steps(rule: Case) throws {
        let network = Architecture(sizes: [2, 2])
        let layout = try NetworkModel(network).layout
        let run = RunConfiguration(
            name: "x", data: .named("x"), network: network, training: TrainingOptions(epochs: 5, batch: Self.samples),
            optimizer: rule.optimizer)
        let schedule = BatchSchedule(samples: Self.samples, batch: Self.samples, shards: 1)
        var step = Step(
            source: GivenGradients(layout, Self.sum), reducer: Reducer(layout: layout.chunks, shards: 1),
            optimizer: run.makeOptimizer(for: layout, rate: run.makeLearningRate(stepsPerEpoch: 1)),
            clipping: rule.clipping)
        var parameters = VersionedParameters(
            initial: FloatBuffer(count: layout.count), other: FloatBuffer(count: layout.count))
        for i in 0..<6 { parameters.current.pointer[i] = (Float(i) - 2.5) / 2 }
        for (index, expected) in rule.steps.enumerated() {
            _ = try step.run(Batch(step: UInt64(index), schedule: schedule), &parameters)
            for (i, value) in expected.enumerated() {
                #expect(abs(Double(parameters.current.pointer[i]) - value) < 5e-7, "step \(index), parameter \(i)")
            }
        }
    }

    static let sgd: [[Double]] = [
        [-1.095625, -0.742875, 0.084875, 0.627625, 0.8925, 1.63],
        [-1.20940406, -1.06528019, 0.226831188, 0.830150063, 0.76325, 1.8395],
        [-0.977746193, -1.09616763, 0.0203187975, 0.699860506, 0.974425, 1.72055],
        [-0.972907839, -1.4008465, 0.0877853582, 0.857186905, 0.9569825, 1.890995],
        [-0.586210555, -1.36418219, -0.134737263, 0.736286761, 1.31878425, 1.7868955],
    ]
    static let adamw: [[Double]] = [
        [-1.22752663, -0.7485, -0.229511422, 0.269490005, 0.769973369, 1.26999],
        [-1.2300763, -0.762506451, -0.216327699, 0.283546015, 0.76496865, 1.284585],
        [-1.22021499, -0.767984411, -0.219505726, 0.282865201, 0.772369803, 1.28447127],
        [-1.21597365, -0.77847108, -0.2190884, 0.286147616, 0.774170711, 1.28831942],
        [-1.20352216, -0.780066893, -0.224614878, 0.283584813, 0.784190262, 1.28632891],
    ]
    static let rmsprop: [[Double]] = [
        [-1.15000001, -0.75, -0.150000006, 0.349999995, 0.849999987, 1.34999999],
        [-1.2301444, -0.849999994, -0.150000006, 0.362464986, 0.769855603, 1.36246499],
        [-1.15919272, -0.822400002, -0.221065114, 0.302379727, 0.840807284, 1.30237973],
        [-1.18662235, -0.879385875, -0.201070577, 0.331284835, 0.813377653, 1.33128484],
        [-1.11718687, -0.837731649, -0.245962109, 0.295165455, 0.882813127, 1.29516546],
    ]
    static let rmspropWithMomentum: [[Double]] = [
        [-1.18699965, -0.69167301, -0.186867719, 0.313145084, 0.812980006, 1.31314571],
        [-1.1853917, -0.70812705, -0.136009152, 0.371448727, 0.81196392, 1.37191057],
        [-1.13673995, -0.701565105, -0.142036861, 0.377397046, 0.857344974, 1.37869351],
        [-1.11414276, -0.734118624, -0.132889829, 0.401785492, 0.875038679, 1.40422009],
        [-1.04912536, -0.730219784, -0.156919772, 0.395038167, 0.935690232, 1.39885199],
    ]
    static let clippedByNorm: [[Double]] = [
        [-1.1900414, -0.74625, -0.123429933, 0.391972934, 0.8037086, 1.39322293],
        [-1.23012845, -0.91414375, -0.00889972292, 0.54278871, 0.75204634, 1.54712357],
        [-1.16556507, -1.02288097, -0.0380655608, 0.562419657, 0.800041396, 1.57224484],
        [-1.1516302, -1.24063006, -0.0141244872, 0.652275411, 0.793236946, 1.66985398],
        [-0.999504858, -1.35392921, -0.0880967583, 0.653412324, 0.920938745, 1.68123032],
    ]
    static let notClippedByNorm: [[Double]] = [
        [-1.16875, -0.74625, -0.07375, 0.44875, 0.825, 1.45],
        [-1.18978125, -0.91414375, 0.08524375, 0.65038125, 0.7925, 1.655],
        [-1.07776047, -1.01067741, 0.0529119063, 0.678597469, 0.88825, 1.6895],
        [-1.02155296, -1.21750431, 0.0735486873, 0.775599078, 0.924425, 1.79555],
        [-0.790858444, -1.297561, -0.0332459531, 0.759022531, 1.1319825, 1.790995],
    ]
    static let clippedByValue: [[Double]] = [
        [-1.21851, -0.75, -0.218509997, 0.281490003, 0.781490003, 1.28149],
        [-1.24138161, -0.781490003, -0.218509997, 0.291929079, 0.758618391, 1.29192908],
        [-1.22222121, -0.763374061, -0.241941587, 0.269117237, 0.777778785, 1.26911724],
        [-1.23460564, -0.784585681, -0.227343608, 0.288245974, 0.765394358, 1.28824597],
        [-1.21796463, -0.766339198, -0.245976234, 0.271252276, 0.782035374, 1.27125228],
    ]
}

import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// How a network computes and learns, as the configuration and as the oracle have it.
struct OracleRules: Encodable, CustomTestStringConvertible {
    typealias Optimizer = [String: [String: Setting]]

    var activation: String
    var output = "softmax"
    var cost = "cross-entropy"
    var smoothing = 0.0
    var optimizer: Optimizer
    var steps = 5

    enum Setting: Encodable {
        case number(Double)
        case flag(Bool)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .flag(let flag): try container.encode(flag)
            }
        }

        var yaml: String {
            switch self {
            case .number(let number): "\(number)"
            case .flag(let flag): "\(flag)"
            }
        }
    }

    static func sgd(rate: Double, momentum: Double = 0, nesterov: Bool = false, decay: Double = 0) -> Optimizer {
        [
            "sgd": [
                "learning-rate": .number(rate), "momentum": .number(momentum), "nesterov": .flag(nesterov),
                "weight-decay": .number(decay),
            ]
        ]
    }

    /// With an epsilon that is no small part of a gradient here: where the second moment vanishes, the sign of a rounding
    /// error would decide.
    static func adamW(rate: Double, beta1: Double = 0.9, beta2: Double = 0.999, decay: Double = 0) -> Optimizer {
        [
            "adamw": [
                "learning-rate": .number(rate), "beta1": .number(beta1), "beta2": .number(beta2),
                "epsilon": .number(0.001), "weight-decay": .number(decay),
            ]
        ]
    }

    /// With an epsilon as in ``adamW(rate:beta1:beta2:decay:)``.
    static func rmsProp(rate: Double, alpha: Double = 0.99, momentum: Double = 0, decay: Double = 0) -> Optimizer {
        [
            "rmsprop": [
                "learning-rate": .number(rate), "alpha": .number(alpha), "epsilon": .number(0.001),
                "momentum": .number(momentum), "weight-decay": .number(decay),
            ]
        ]
    }

    /// The options of `lockstep train` that say the same.
    var options: [String] {
        let optimizer = optimizer.map { name, settings in
            let settings = settings.map { "\($0): \($1.yaml)" }.joined(separator: ", ")
            return "\(name): { \(settings) }"
        }
        return [
            "network.activation=\(activation)", "network.output=\(output)", "cost=\(cost)",
            "regularization.label-smoothing=\(smoothing)", "optimizer={ \(optimizer.joined()) }",
        ].flatMap { ["--set", $0] }
    }

    var json: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }

    var testDescription: String { options.joined(separator: " ") }
}

@Suite(
    "Training, against numpy in float64", .serialized, .oneAtATime,
    .enabled(if: Oracle.isThere, "scripts/test makes the Python environment and names it in LOCKSTEP_ORACLE_PYTHON"))
struct TrainingOracleTests {
    private static let cases = [
        OracleRules(activation: "relu", optimizer: OracleRules.adamW(rate: 0.01)),
        OracleRules(
            activation: "relu", smoothing: 0.1,
            optimizer: OracleRules.adamW(rate: 0.02, beta1: 0.8, beta2: 0.9, decay: 0.5)),
        OracleRules(activation: "tanh", smoothing: 0.2, optimizer: OracleRules.sgd(rate: 0.5, momentum: 0.9)),
        OracleRules(
            activation: "leaky-relu",
            optimizer: OracleRules.sgd(rate: 0.1, momentum: 0.5, nesterov: true, decay: 0.1)),
        OracleRules(activation: "sigmoid", output: "sigmoid", optimizer: OracleRules.sgd(rate: 0.5, decay: 0.05)),
        OracleRules(
            activation: "relu", output: "sigmoid", smoothing: 0.1, optimizer: OracleRules.adamW(rate: 0.01, decay: 0.1)),
        OracleRules(activation: "tanh", output: "sigmoid", cost: "quadratic", optimizer: OracleRules.adamW(rate: 0.01)),
        OracleRules(activation: "tanh", optimizer: OracleRules.rmsProp(rate: 0.01)),
        OracleRules(
            activation: "relu", optimizer: OracleRules.rmsProp(rate: 0.005, alpha: 0.9, momentum: 0.7, decay: 0.1)),
    ]

    @Test("Five steps over all samples end where numpy's do, and are judged alike", arguments: cases)
    func steps(rules: OracleRules) throws {
        let folder = try TemporaryFolder()
        let dataset = TinyDataset()
        try dataset.write(to: folder)
        try folder.write(text: dataset.configuration(), to: "tiny.yaml")
        var summaries: [RunSummary] = []
        for (name, epochs) in [("initial", 0), ("trained", rules.steps)] {
            let result = try Program.run(
                ["train", "tiny.yaml", "--epochs", "\(epochs)", "--batch", "\(dataset.training)", "--shards", "3"]
                    + ["--set", "network.sizes=[36, 11, 9, 4]", "--set", "network.initializer=he"]
                    + rules.options + ["--output", name], in: folder.path)
            try #require(result.status == 0, "\(result)")
            summaries.append(try RunSummary(run: folder(name)))
        }
        let (before, after) = (folder("initial/model.safetensors"), folder("trained/model.safetensors"))
        let (images, labels) = (folder("data/train-images-idx3-ubyte"), folder("data/train-labels-idx1-ubyte"))

        // The oracle first: a wrong one proves nothing.
        let gradient: OracleGradient = try Oracle.ask("gradient", before, images, labels, "500", rules.json)
        #expect(gradient.largest > 0.1)
        #expect(gradient.error <= gradient.largest * 1e-6)

        let steps: OracleSteps = try Oracle.ask("train", before, after, images, labels, "500", rules.json)
        #expect(steps.moved > 0.01)
        // Weights are below 4, where two float32 numbers are 2^-22 apart.
        #expect(steps.error <= Double(rules.steps) * 0x1p-23 + steps.moved * 1e-5, "\(steps)")

        var judge = rules
        judge.smoothing = 0
        let score: OracleScore = try Oracle.ask(
            "evaluate", after, folder("data/t10k-images-idx3-ubyte"), folder("data/t10k-labels-idx1-ubyte"), judge.json)
        let epoch = try #require(summaries[1].epochs.last)
        #expect(epoch.correct == score.correct)
        #expect(abs((epoch.cost ?? .nan) - score.cost) < 1e-6 * max(1, score.cost))
    }
}

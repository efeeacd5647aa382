import Foundation
import LockstepCompute
import LockstepNetwork
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepArtifacts

/// The documentation's table of the configuration's keys, against the keys that the program reads.
@Suite("The documentation's configuration table")
struct ConfigurationTableTests {
    private struct Row {
        /// `optimizer.adamw.beta1`; a row may be about several.
        let keys: [String]
        /// The words in backticks of the column "type, limits".
        let words: [String]
    }

    /// The table between the two comments `configuration-keys`.
    private func rows() throws -> [Row] {
        let path = Program.root + "/Sources/Lockstep/Documentation.docc/ConfigurationReference.md"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let start = try #require(lines.firstIndex(of: "<!-- configuration-keys -->"))
        let end = try #require(lines.firstIndex(of: "<!-- /configuration-keys -->"))
        // The first two lines are the heading.
        return lines[(start + 3)..<end].map { line in
            let cells = line.split(separator: "|").map(String.init)
            return Row(keys: quoted(cells[0]), words: quoted(cells[1]))
        }
    }

    private func quoted(_ cell: String) -> [String] {
        cell.matches(of: /`([^`]+)`/).map { String($0.1) }
    }

    /// Every key that holds a value, and not keys of its own.
    private let known: Set<String> = Set(
        ConfigurationSchema.sections.flatMap { section, keys in
            keys.map { ConfigurationSchema.joined(section, $0) }
        }
    ).subtracting(ConfigurationSchema.sections.keys)

    @Test("documents every key that the program reads, once, and no other")
    func keys() throws {
        let documented = try rows().flatMap(\.keys)
        #expect(documented.count > 40)
        #expect(Set(documented).count == documented.count, "a key stands in two rows")
        // A schedule may be written as one word, so it has a row beside those of its kinds.
        let (missing, unknown) = (known.subtracting(documented), Set(documented).subtracting(known))
        #expect(missing.isEmpty, "the table lacks \(missing.sorted())")
        #expect(unknown == ["schedule", "schedule.constant"], "the table has \(unknown.sorted())")
    }

    @Test("lists all the words that a key can have")
    func words() throws {
        let expected: [String: [String]] = [
            "network.activation": Activation.allCases.map(\.rawValue),
            "network.output": OutputActivation.allCases.map(\.rawValue),
            "network.initializer": Initializer.allCases.map(\.rawValue),
            "cost": Cost.allCases.map(\.rawValue),
            "kernel": ["auto", "portable"] + MatrixKernel.allCases.map(\.rawValue),
            "optimizer.sgd.nesterov": ["true", "false"],
            "wire": CommunicationDataType.allCases.map(\.rawValue),
        ]
        for row in try rows() {
            guard let key = row.keys.first, let words = expected[key] else { continue }
            #expect(Set(row.words) == Set(words), "\(key)")
        }
    }

    /// For each documented key a value that is not its default, as `--set` takes it.
    private static let values = [
        "name": "other", "data.name": "letters", "data.pickle": "a.pkl",
        "data.images": "z", "data.labels": "z", "data.test-images": "z", "data.test-labels": "z",
        "data.validation": "7", "data.csv": "a.csv", "data.test-csv": "b.csv", "data.label": "last", "data.scale": "7",
        "data.test": "7",
        "network.sizes": "[784, 10]", "network.activation": "relu", "network.output": "sigmoid",
        "network.initializer": "he", "cost": "cross-entropy",
        "training.epochs": "7", "training.batch": "7", "training.seed": "7",
        "optimizer.sgd.learning-rate": "0.25", "optimizer.sgd.momentum": "0.25", "optimizer.sgd.nesterov": "true",
        "optimizer.sgd.weight-decay": "0.25",
        "optimizer.adamw.learning-rate": "0.25", "optimizer.adamw.beta1": "0.25", "optimizer.adamw.beta2": "0.25",
        "optimizer.adamw.epsilon": "0.25", "optimizer.adamw.weight-decay": "0.25",
        "schedule": "{ cosine: }", "schedule.constant": "{}",
        "schedule.step.every": "7", "schedule.step.factor": "0.25",
        "schedule.cosine.warm-up": "0.25", "schedule.cosine.final": "0.25",
        "schedule.one-cycle.warm-up": "0.25", "schedule.one-cycle.initial": "0.25", "schedule.one-cycle.final": "0.25",
        "regularization.dropout": "0.25", "regularization.input-dropout": "0.25",
        "regularization.label-smoothing": "0.25", "regularization.average": "0.25",
        "augmentation.shift": "7", "augmentation.rotation": "7", "augmentation.scale": "0.25",
        "augmentation.shear": "0.25", "augmentation.elastic": "2", "augmentation.smoothness": "3",
        "evaluation.every": "7", "checkpoint.every": "7", "timeouts.start": "7", "timeouts.rejoin": "7",
        "wire": "bfloat16", "shards": "7", "kernel": "portable",
    ]

    private static let idx = "data={ images: a, labels: b, test-images: c, test-labels: d }"
    /// What must be set beside a key, in the order of the keys' beginnings.
    private static let companions = [
        ("data.pickle", "data={}"), ("data.name", "data={}"), ("data.csv", "data={}"),
        ("data.labels", idx), ("data.test-images", idx), ("data.test-labels", idx), ("data.label", "data={ csv: a }"),
        ("data.scale", "data={ csv: a }"), ("data.test", "data={ csv: a }"), ("data.", idx),
        ("optimizer.adamw", "optimizer={ adamw: { learning-rate: 1 } }"),
        ("optimizer.sgd.nesterov", "optimizer.sgd.momentum=0.5"),
        ("schedule.step", "schedule={ step: { every: 1, factor: 0.5 } }"),
        ("schedule.cosine", "schedule={ cosine: {} }"), ("schedule.one-cycle", "schedule={ one-cycle: {} }"),
        ("network.output", "cost=cross-entropy"), ("regularization.label-smoothing", "cost=cross-entropy"),
    ]

    @Test("names keys that change what a run does")
    func accepted() throws {
        let minimal = """
            name: tiny
            data: { name: mnist }
            network: { sizes: [784, 30, 10] }
            training: { epochs: 30, batch: 10 }
            optimizer: { sgd: { learning-rate: 3.0 } }
            """
        func parse(_ overrides: [String]) throws -> RunConfiguration {
            try ConfigurationFile.parse(text: minimal, name: "x.yaml", overrides: overrides)
        }
        for key in try rows().flatMap(\.keys) {
            let value = try #require(Self.values[key], "a test value for \(key)")
            let companion = Self.companions.first { key.hasPrefix($0.0) }.map { [$0.1] } ?? []
            let changed = try parse(companion + ["\(key)=\(value)"])
            // Without a data set there is no configuration to compare with; a constant rate is the default.
            let before = try parse(companion == ["data={}"] ? [] : companion)
            #expect(key == "schedule.constant" ? changed == before : changed != before, "\(key)")
        }
    }
}

import Foundation
import LockstepConfiguration
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepArtifacts

/// The documentation's table of the configuration's keys.
@Suite("The documentation's configuration table")
struct ConfigurationReferenceTests {
    private static let article = Program.root + "/Sources/Lockstep/Documentation.docc/ConfigurationReference.md"

    @Test("is what the table of keys says, and so is the table of layers")
    func tables() throws {
        let tables = [
            ("configuration-keys", ConfigurationReference.table), ("layer-keys", ConfigurationReference.layerTable),
        ]
        for (name, table) in tables {
            let (opening, closing) = ("<!-- \(name) -->\n", "<!-- /\(name) -->")
            let text = try String(contentsOfFile: Self.article, encoding: .utf8)
            let start = try #require(text.range(of: opening)).upperBound
            let end = try #require(text.range(of: closing)).lowerBound
            if ProcessInfo.processInfo.environment["LOCKSTEP_UPDATE_DOCUMENTATION"] == "1" {
                let updated = text[..<start] + table + text[end...]
                try updated.write(toFile: Self.article, atomically: true, encoding: .utf8)
            }
            #expect(
                try String(contentsOfFile: Self.article, encoding: .utf8).contains(opening + table + closing),
                "write it anew: LOCKSTEP_UPDATE_DOCUMENTATION=1 swift test --filter ConfigurationReferenceTests")
        }
    }

    @Test("has a row for every key, whose words need no escape")
    func rows() {
        let rows = ConfigurationReference.table.split(separator: "\n").dropFirst(2)
        #expect(rows.count == RunConfiguration.keys.count + 1, "a schedule may be a word too")
        for row in rows { #expect(row.count { $0 == "|" } == 5, "\(row)") }
    }
}

/// The table of keys, compared with what the reader accepts.
@Suite("The table of keys")
struct ConfigurationKeysTests {
    /// For each key a value that is not its default, as `--set` takes it.
    private static let values = [
        "name": "other", "data.name": "letters", "data.pickle": "a.pkl",
        "data.images": "z", "data.labels": "z", "data.test-images": "z", "data.test-labels": "z",
        "data.validation": "7", "data.csv": "a.csv", "data.test-csv": "b.csv", "data.label": "last", "data.scale": "7",
        "data.test": "7", "data.training": "7",
        "network.sizes": "[784, 10]", "network.activation": "relu", "network.output": "sigmoid",
        "network.input": "[1, 28, 28]", "network.layers": "[flatten, { dense: 11 }]", "network.initializer": "he",
        "cost": "cross-entropy",
        "training.epochs": "7", "training.batch": "7", "training.seed": "7", "training.early-stopping.patience": "7",
        "training.clip-norm": "7", "training.clip-value": "7",
        "schedule.reduce-on-plateau.patience": "7",
        "optimizer.sgd.nesterov": "true",
        "schedule.step.every": "7", "augmentation.shift": "7", "augmentation.rotation": "7",
        "augmentation.elastic": "2", "augmentation.smoothness": "3",
        "evaluation.every": "7", "evaluation.training": "7", "checkpoint.every": "7", "timeouts.start": "7",
        "timeouts.rejoin": "7",
        "communication-dtype": "bfloat16", "targets": "binary", "data.shuffle": "7", "shards": "7",
        "kernel": "portable", "model": "'own {}'", "data.learns-numbers": "true", "data.size": "[7, 7]",
        "data.channels": "3", "data.split-seed": "7",
    ]
    private static let anyShare = "0.25"

    private static let idx = "data={ images: a, labels: b, test-images: c, test-labels: d }"
    private static let layers = "network={ input: [784], layers: [flatten, { dense: 10 }] }"
    /// Other keys that a key needs, by the beginning of its path; the first match counts.
    private static let companions = [
        ("data.npz", "data={}"), ("data.npy-labels", "data={ npy: a }"), ("data.npy", "data={}"),
        ("data.test-npy", "data={ npy: a }"), ("data.learns-numbers", "data={ npy: a }"), ("data.folder", "data={}"),
        ("data.size", "data={ folder: a }"), ("data.channels", "data={ folder: a }"),
        ("data.split-seed", "data={ folder: a }"),
        ("data.pickle", "data={}"), ("data.name", "data={}"), ("data.csv", "data={}"),
        ("data.labels", idx), ("data.test-images", idx), ("data.test-labels", idx), ("data.label", "data={ csv: a }"),
        ("data.scale", "data={ csv: a }"),
        ("data.target", "data={ csv: a }"), ("data.ignore", "data={ csv: a }"), ("data.categories", "data={ csv: a }"),
        ("data.shuffle", "data={ csv: a }"), ("data.test", "data={ csv: a }"), ("data.", idx),
        ("optimizer.adamw", "optimizer={ adamw: { learning-rate: 1 } }"),
        ("optimizer.rmsprop", "optimizer={ rmsprop: { learning-rate: 1 } }"),
        ("optimizer.sgd.nesterov", "optimizer.sgd.momentum=0.5"),
        ("schedule.step", "schedule={ step: { every: 1, factor: 0.5 } }"),
        ("schedule.reduce-on-plateau", "schedule={ reduce-on-plateau: {} }"),
        ("schedule.cosine", "schedule={ cosine: {} }"), ("schedule.one-cycle", "schedule={ one-cycle: {} }"),
        ("network.input", layers), ("network.layers", layers), ("network.output", "cost=cross-entropy"),
        ("regularization.label-smoothing", "cost=cross-entropy"),
    ]

    private func parse(_ overrides: [String]) throws -> RunConfiguration {
        let minimal = """
            name: tiny
            data: { name: mnist }
            network: { sizes: [784, 30, 10] }
            training: { epochs: 30, batch: 10 }
            optimizer: { sgd: { learning-rate: 3.0 } }
            """
        return try ConfigurationFile.parse(text: minimal, name: "x.yaml", overrides: overrides)
    }

    @Test(
        "names keys that change what a run does, by each of their names", arguments: RunConfiguration.keys.map(\.path))
    func accepted(path: String) throws {
        let key = try #require(RunConfiguration.keys.first { $0.path == path })
        let value = Self.values[path] ?? Self.anyShare
        let companion = Self.companions.first { path.hasPrefix($0.0) }.map { [$0.1] } ?? []
        let changed = try parse(companion + ["\(path)=\(value)"])
        // Without a data set there is no configuration to compare with.
        let before = try parse(companion == ["data={}"] ? [] : companion)
        #expect(changed != before)
        let section = path.dropLast(key.name.count)
        for alias in key.aliases {
            #expect(try parse(companion + ["\(section)\(alias)=\(value)"]) == changed, "\(alias)")
        }
    }

    @Test("A key may be given by one of its names only")
    func names() {
        let paths = RunConfiguration.keys.map(\.path)
        // Tables, arrays, folders of pictures and IDX files have keys of the same names.
        #expect(
            Dictionary(grouping: paths) { $0 }.filter { $0.value.count > 1 }.keys.sorted() == [
                "data.scale", "data.shuffle", "data.target", "data.test", "data.validation",
            ])
        let text = minimalConfiguration + "wire: bfloat16\ncommunication-dtype: float32\n"
        #expect(
            message { try ConfigurationFile.parse(text: text, name: "x.yaml") }
                == "x.yaml:7: communication-dtype and wire are the same key; keep one of them")
    }

    @Test("An override replaces a value given by an older name, and errors have the name that was given")
    func aliases() throws {
        let text = minimalConfiguration + "wire: bfloat16\nregularization: { average: 0.5 }\n"
        func parse(_ overrides: String...) throws -> RunConfiguration {
            try ConfigurationFile.parse(text: text, name: "x.yaml", overrides: overrides)
        }
        #expect(try parse().communicationDataType == .bfloat16 && parse().regularization.emaDecay == 0.5)
        #expect(try parse("communication-dtype=float32").communicationDataType == .float32)
        #expect(try parse("regularization.ema-decay=0").regularization.emaDecay == 0)
        #expect(
            message { try parse("wire=float16") }
                == "--set wire=float16: unknown wire 'float16'; did you mean 'bfloat16'?")
        #expect(
            message { try parse("regularization.average=1") }
                == "--set regularization.average=1: regularization.average is 1; it must be at least 0.0 and less than 1.0"
        )
    }
}

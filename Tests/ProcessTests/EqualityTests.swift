import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Seeded random runs: whatever happens to their processes and files, no hash is unequal and no process is left.
///
/// `scripts/check-deep` runs many of each, `LOCKSTEP_DEEP_FROM` continues a series that was interrupted. A case depends on
/// its number alone.
@Suite("Equality", .serialized, .oneAtATime)
struct EqualityTests {
    /// The numbers of the cases to run: as many as the variable says, or a few.
    private static func cases(_ variable: String, default count: Int) -> Range<Int> {
        let first = Foreign.number("LOCKSTEP_DEEP_FROM") ?? 0
        return first..<max(first, Foreign.number(variable) ?? count)
    }

    // MARK: - Comparisons

    /// A random configuration: each key is drawn, within limits that train in a moment.
    private static func configuration(_ number: Int) -> (options: [String], shards: Int) {
        var random = SplitMix64(seed: UInt64(number))
        func pick(_ choices: String...) -> String { choices.randomElement(using: &random) ?? "" }
        let hidden = (0..<Int.random(in: 1...2, using: &random)).map { _ in Int.random(in: 1...12, using: &random) }
        let activation = pick("sigmoid", "tanh", "relu", "leaky-relu")
        let initializer = pick("standard-normal", "scaled-normal", "xavier", "he")
        let isConvolutional = Bool.random(using: &random)
        let layers = [
            "{conv: {filters: \(hidden[0]), size: \(pick("2", "3", "[1, 3]")), padding: same}}", activation,
            pick("{max-pool: 2}", "{average-pool: {size: 3, stride: 2, padding: 1}}", "{group-norm: 1}"),
            pick("flatten", "{conv: {filters: 9, size: 2}}, flatten"), pick("layer-norm", "{dropout: 0.2}", activation),
            "{dense: 4}",
        ]
        let sizes = "sizes: [36, \(hidden.map(String.init).joined(separator: ", ")), 4], activation: \(activation)"
        let network = isConvolutional ? "input: [1, 6, 6], layers: [\(layers.joined(separator: ", "))]" : sizes
        var keys = [
            "network={\(network), initializer: \(initializer)}",
            "cost=\(pick("quadratic", "cross-entropy"))", "training.batch=\(Int.random(in: 5...60, using: &random))",
            "training.seed=\(UInt32.random(in: 0 ... .max, using: &random))",
            "communication-dtype=\(pick("float32", "float32", "bfloat16"))", "timeouts.rejoin=20",
        ]
        keys +=
            [
                ["optimizer.sgd.learning-rate=0.1"],
                ["optimizer.sgd.learning-rate=0.05", "optimizer.sgd.momentum=0.9"],
                ["optimizer.sgd.learning-rate=0.05", "optimizer.sgd.momentum=0.5", "optimizer.sgd.nesterov=true"],
                ["optimizer={adamw: {learning-rate: 0.01}}"],
                ["optimizer={rmsprop: {learning-rate: 0.005}}"],
                ["optimizer={rmsprop: {learning-rate: 0.002, momentum: 0.8, weight-decay: 0.01}}"],
            ].randomElement(using: &random) ?? []
        keys +=
            [
                [], isConvolutional ? [] : ["regularization.dropout=0.2"], ["regularization.ema-decay=0.9"],
                ["augmentation.shift=1"], ["schedule={cosine: {warm-up: 0.2}}"],
                isConvolutional ? [] : ["regularization.input-dropout=0.1", "evaluation.every=2"],
                ["evaluation.training=500"], ["data.training=211"],
                ["training.clip-norm=0.3"],
                ["training.clip-norm=0.05"] + (isConvolutional ? [] : ["regularization.dropout=0.2"]),
                ["training.clip-value=0.01"],
                ["schedule={reduce-on-plateau: {patience: 1, factor: 0.5}}"],
            ].randomElement(using: &random) ?? []
        return (keys.flatMap { ["--set", $0] }, Int.random(in: 1...6, using: &random))
    }

    /// A way to train a configuration; returns the summary of the run.
    private struct Way: Sendable {
        let name: String
        let train: @Sendable (_ place: Workplace, _ options: [String]) throws -> RunSummary
    }

    private static let ways: [Way] = [
        Way(name: "one worker") { try $0.train($1 + ["--workers", "1"]) },
        Way(name: "two workers, shared memory") { try $0.train($1 + ["--workers", "2", "--transport", "shared"]) },
        Way(name: "three workers, messages") { try $0.train($1 + ["--workers", "3", "--transport", "inline"]) },
        Way(name: "two workers, audited, shared memory without mailboxes") {
            try $0.train($1 + ["--workers", "2", "--audit", "0.5", "--transport", "shared-sockets"])
        },
        Way(name: "as many as are fastest") { try $0.train($1 + ["--workers", "auto"]) },
        Way(name: "a worker killed") { place, options in
            try EqualityTests.disturbed(place, options + ["--workers", "3"]) { run in
                if let worker = run.workers.first { kill(worker, SIGKILL) }
                return true
            }
        },
        Way(name: "stopped and resumed with fewer workers") { place, options in
            try EqualityTests.disturbed(place, options + ["--workers", "2"], resumedWith: ["--workers", "1"]) { run in
                run.send(signal: SIGTERM)
                return false
            }
        },
        Way(name: "coordinator killed and resumed without workers") { place, options in
            try EqualityTests.disturbed(
                place, options + ["--workers", "2", "--set", "checkpoint.every=0.05"], resumedWith: []
            ) { run in
                run.send(signal: SIGKILL)
                return false
            }
        },
    ]

    /// Trains, disturbs the run after its first epoch, and resumes it if that ended it.
    ///
    /// - Parameters:
    ///   - place: Where to train.
    ///   - options: More of the command line.
    ///   - workers: The workers of the resumed run; nil: the run goes on by itself.
    ///   - disturb: Returns whether the run goes on.
    /// - Returns: The summary of the run.
    /// - Throws: What failed.
    private static func disturbed(
        _ place: Workplace, _ options: [String], resumedWith workers: [String]? = nil,
        _ disturb: (RunningProcess) throws -> Bool
    ) throws -> RunSummary {
        let output = place.output()
        let arguments = ["train", place.configuration, "--output", output]
        let run = try RunningProcess(
            arguments + options, environment: ["LOCKSTEP_FAULT": "slow=1"], in: place.folder.path)
        _ = try? run.waitForLine(containing: "Epoch 0")
        let goesOn = try disturb(run)
        let ending = try run.wait()
        #expect(run.orphans().isEmpty)
        if goesOn || ending.status == 0 {
            try #require(ending.status == 0, "\(ending)")
        } else {
            let resumed = try Program.run(
                arguments + without(workersIn: options) + (workers ?? []) + ["--resume"],
                in: place.folder.path)
            try #require(resumed.status == 0, "\(ending)\n\(resumed)")
        }
        return try RunSummary(run: output)
    }

    private static func without(workersIn options: [String]) -> [String] {
        guard let index = options.firstIndex(of: "--workers") else { return options }
        return Array(options[..<index] + options[(index + 2)...])
    }

    /// The step at which a run's loss diverges, as its last line names it; nil for a run whose loss stays finite. A random learning
    /// rate may be too large for a random network.
    private static func divergence(_ place: Workplace, _ options: [String]) throws -> String? {
        let arguments = ["train", place.configuration, "--output", place.output()] + options
        let result = try Program.run(arguments, in: place.folder.path)
        guard result.status == 70, let line = result.errorLines.last, line.contains("is not a finite number") else {
            try #require(result.status == 0, "\(result)")
            return nil
        }
        return String(try #require(line.firstMatch(of: /step \d+ \(epoch \d+\)/)).output)
    }

    @Test("Configurations in eight ways: every hash equals the hash of one process")
    func comparisons() throws {
        // LOCKSTEP_DEEP_CONFIGURATIONS: 28, each in 8 ways, in scripts/check-deep.
        for number in Self.cases("LOCKSTEP_DEEP_CONFIGURATIONS", default: 1) {
            let (options, shards) = Self.configuration(number)
            let place = try Workplace(TinyDataset(training: 300), epochs: 2)
            let all = options + ["--shards", "\(shards)"]
            if let alone = try Self.divergence(place, all) {
                #expect(try Self.divergence(place, all + ["--workers", "2"]) == alone, "configuration \(number)")
                continue
            }
            let alone = try place.weights(all)
            for way in Self.ways {
                let summary = try way.train(place, all)
                #expect(
                    summary.weightsSHA256 == alone,
                    "configuration \(number), \(way.name): \(all.joined(separator: " "))")
            }
            progress("configuration", number)
        }
    }

    // MARK: - Process trees

    @Test("Process trees of which random processes are killed again and again leave nothing, and the hash is equal")
    func trees() throws {
        // LOCKSTEP_DEEP_TREES: 136 in scripts/check-deep.
        let place = try Workplace(TinyDataset(training: 300), epochs: 3)
        let whole = try place.weights(["--shards", "4"])
        for number in Self.cases("LOCKSTEP_DEEP_TREES", default: 2) {
            var random = SplitMix64(seed: UInt64(number))
            let output = place.output()
            var isOver = false
            var attempts = 0
            while !isOver {
                // After a few attempts nothing is killed.
                let isDisturbed = attempts < 4
                isOver = try tree(place, output, isDisturbed: isDisturbed, &random)
                attempts += 1
                try #require(attempts < 8, "tree \(number) does not end")
            }
            #expect(try RunSummary(run: output).weightsSHA256 == whole, "tree \(number)")
            progress("tree", number)
        }
    }

    /// Starts a run with a random tree of processes, kills some of them, and waits for all.
    ///
    /// - Returns: Whether the run came to its end.
    private func tree(
        _ place: Workplace, _ output: String, isDisturbed: Bool, _ random: inout SplitMix64
    ) throws -> Bool {
        let isResumed = RunDirectory(existing: output).hasConfiguration
        // A process that was killed at once leaves a folder that is no run.
        if !isResumed { try? FileManager.default.removeItem(atPath: output) }
        let common =
            [place.configuration, "--output", output, "--set", "checkpoint.every=0.05", "--set", "timeouts.rejoin=3"]
            + (isResumed ? ["--resume"] : []) + ["--shards", "4"]
        let slow = ["LOCKSTEP_FAULT": "slow=1"]
        let (run, groups): (RunningProcess, [RunningProcess])
        if Bool.random(using: &random) {
            let workers = Int.random(in: 1...4, using: &random)
            run = try RunningProcess(
                ["train"] + common + ["--workers", "\(workers)"], environment: slow, in: place.folder.path)
            groups = []
        } else {
            run = try RunningProcess(
                ["coordinator"] + common + ["--bind", "tcp://127.0.0.1:0", "--workers", "1:4"], in: place.folder.path)
            let endpoint = try run.listeningEndpoint()
            groups = try (0..<Int.random(in: 1...2, using: &random)).map { _ in
                try RunningProcess(
                    ["worker", "--connect", endpoint, "--processes", "\(Int.random(in: 1...2, using: &random))"],
                    environment: slow, in: place.folder.path)
            }
        }
        if isDisturbed {
            _ = try? run.waitForLine(containing: "Epoch \(Int.random(in: 0...1, using: &random))")
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let all = ([run] + groups).flatMap { [$0.processID] + $0.descendants }.sorted()
                let signal = [SIGKILL, SIGKILL, SIGTERM, SIGINT].randomElement(using: &random) ?? SIGKILL
                if let victim = all.randomElement(using: &random) { kill(victim, signal) }
            }
        }
        let ending = try run.wait()
        for group in groups {
            // Workers that were never welcomed would wait for a minute.
            if ending.status != 0 { group.send(signal: SIGTERM) }
            _ = try group.wait()
        }
        for process in [run] + groups { #expect(process.orphans().isEmpty, "\(process.arguments)") }
        #expect(ending.signal == nil || ending.signal == SIGKILL, "\(ending)")
        return ending.status == 0
    }

    // MARK: - Damaged run directories

    /// Damages a random file of a run directory in a random way; returns what it did.
    private func damage(_ directory: String, _ random: inout SplitMix64) throws -> String {
        let manager = FileManager.default
        let names = (manager.enumerator(atPath: directory)?.allObjects ?? []).compactMap { $0 as? String }.sorted()
        let files = names.filter { !$0.hasSuffix(".lock") }
        guard let name = files.randomElement(using: &random) else { return "nothing" }
        let path = "\(directory)/\(name)"
        let content = (try? bytes(of: path)) ?? []
        let position = Int.random(in: 0...max(0, content.count - 1), using: &random)
        var isFolder: ObjCBool = false
        _ = manager.fileExists(atPath: path, isDirectory: &isFolder)
        let kind = Int.random(in: (isFolder.boolValue ? 4 : 0)..<7, using: &random)
        switch kind {
        case 0 where !content.isEmpty:
            var changed = content
            changed[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Data(changed).write(to: URL(fileURLWithPath: path))
        case 1:
            try Data(content[..<position.clamped(to: content.count)]).write(to: URL(fileURLWithPath: path))
        case 2:
            try Data(content + (0..<50).map { _ in UInt8.random(in: 0 ... .max, using: &random) })
                .write(to: URL(fileURLWithPath: path))
        case 3:
            try Data((0..<content.count).map { _ in UInt8.random(in: 0 ... .max, using: &random) })
                .write(to: URL(fileURLWithPath: path))
        case 4:
            try manager.removeItem(atPath: path)
            try manager.createDirectory(atPath: path, withIntermediateDirectories: false)
        case 5:
            try manager.removeItem(atPath: path)
            try manager.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
        default:
            try manager.removeItem(atPath: path)
        }
        return "\(kind) \(name) at \(position)"
    }

    @Test("A run directory that is damaged at random is resumed to the same weights, or refused in one line")
    func directories() throws {
        // LOCKSTEP_DEEP_DIRECTORIES: 110 in scripts/check-deep.
        let place = try Workplace(TinyDataset(training: 300), epochs: 4)
        let train = ["train", place.configuration, "--shards", "2", "--set", "checkpoint.every=0.02"]
        let whole = try place.weights(["--shards", "2"])
        let original = place.output()
        let interrupted = try RunningProcess(
            train + ["--workers", "2", "--output", original], environment: ["LOCKSTEP_FAULT": "slow=2"],
            in: place.folder.path)
        try interrupted.waitForLine(containing: "Epoch 1")
        interrupted.send(signal: SIGTERM)
        let status = try interrupted.wait().status
        try #require(status == 143 || status == 0)
        for number in Self.cases("LOCKSTEP_DEEP_DIRECTORIES", default: 5) {
            var random = SplitMix64(seed: UInt64(number))
            let copy = place.output()
            try FileManager.default.copyItem(atPath: original, toPath: copy)
            let damages = try (0..<Int.random(in: 1...3, using: &random)).map { _ in try damage(copy, &random) }
            let resumed = try Program.run(train + ["--resume", "--output", copy], in: place.folder.path)
            let comment: Comment = "directory \(number), \(damages): \(resumed)"
            if resumed.status == 0 {
                #expect(try RunSummary(run: copy).weightsSHA256 == whole, comment)
            } else {
                #expect((64...78).contains(resumed.status ?? 0), comment)
                #expect(resumed.errorLines.last?.hasPrefix("lockstep: ") == true, comment)
            }
            try FileManager.default.removeItem(atPath: copy)
            progress("directory", number)
        }
    }

    // MARK: - Spoofed messages

    @Test(
        "Messages that carry the numbers of the run and of its members change nothing",
        .enabled(if: Foreign.python != nil))
    func spoofed() throws {
        // LOCKSTEP_DEEP_SPOOFED: 36,320 in scripts/check-deep.
        let count = Foreign.number("LOCKSTEP_DEEP_SPOOFED") ?? 1_000
        let site = try ForeignSite(epochs: max(40, count / 100))
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            [
                "--bind", "tcp://127.0.0.1:0", "--bind", "ipc://\(site.folder("socket"))", "--workers", "2:6", "--set",
                "timeouts.start=3600",
            ])
        let first = try site.worker(endpoints[1])
        try coordinator.waitForLine(containing: "joined; 1 worker")
        _ = try Foreign.attack("spoof", endpoints[0], "-", count: count / 2)
        let second = try site.worker(endpoints[1])
        _ = try Foreign.attack("spoof", endpoints[0], "-", count: count / 2)
        let end = try coordinator.wait(limit: .seconds(600))
        #expect(end.status == 0, "\(end)")
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersLost == 0 && summary.rewinds == 0, "\(end)")
        #expect(try first.wait().status == 0 && second.wait().status == 0)
    }

    /// Says how far a long series has come, so that it can be continued there.
    private func progress(_ what: String, _ number: Int) {
        guard number % 10 == 9 else { return }
        FileHandle.standardError.write(Data("\(what) \(number) is done\n".utf8))
    }
}

extension Int {
    fileprivate func clamped(to limit: Int) -> Int { Swift.min(self, limit) }
}

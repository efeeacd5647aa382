import Foundation
import LockstepData
import LockstepDigest
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepSystem
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepArtifacts

/// A network of 3-2-2: 14 parameters.
private let layout: ParameterLayout = {
    guard let layout = try? NetworkModel(Architecture(sizes: [3, 2, 2])).layout else { fatalError("no layout") }
    return layout
}()

private let identity = RunIdentity(
    configuration: String(repeating: "c", count: 64), data: "d5", programVersion: "1.2.3", kernel: "avx2",
    fingerprint: NumericFingerprint(digests: [
        .init(rows: 3, digest: digest(3)), .init(rows: 10, digest: digest(10)),
    ]))

private func digest(_ byte: UInt8) -> SHA256Digest {
    withUnsafeBytes(of: byte) { SHA256.hash($0) }
}

/// A state after `step` steps, five in an epoch; some of its losses are numbers that JSON does not have.
private func state(step: UInt64, moments: Bool = true) -> TrainingState {
    var random = SplitMix64(seed: step)
    func buffer() -> FloatBuffer {
        let buffer = FloatBuffer(count: layout.count)
        for index in 0..<buffer.count {
            buffer.buffer[index] = Float(bitPattern: .random(in: .min ... .max, using: &random))
        }
        return buffer
    }
    var progress = TrainingProgress()
    progress.step = step
    progress.epochs = (0..<Int(step / 5)).map { epoch in
        EpochReport(
            epoch: epoch, test: SplitScore(correct: 3, total: 6, meanLoss: .infinity, predictions: [4, 2]),
            validation: nil, meanTrainingLoss: .nan, seconds: 0.1, samples: 20, totalSteps: 5 * (epoch + 1), workers: 2,
            weightsSHA256: "e\(epoch)", isBest: false)
    }
    progress.epochLossSum = 1 / 3
    progress.bestValidation = 7
    progress.membership.lost = 2
    progress.optimizerScalars = ["beta1": 0.1 + 0.2, "beta2": -.infinity]
    return TrainingState(
        progress: progress, parameters: buffer(),
        optimizer: moments ? [("first", buffer()), ("second.layers.0", buffer())] : [])
}

private func bits(_ buffer: FloatBuffer) -> [UInt32] { buffer.values.map(\.bitPattern) }

private func save(_ state: TrainingState, in folder: CheckpointFolder) throws {
    try folder.write(Checkpoint(identity: identity, state: state), layout: layout)
}

/// A folder with the checkpoints of steps 5 and 10; tests damage the newer one.
private struct CheckpointPair {
    let folder: CheckpointFolder
    /// The bytes of the newer one.
    let whole: [UInt8]

    init(_ path: String) throws {
        folder = CheckpointFolder(path: path)
        for step in [5, 10] as [UInt64] { try save(state(step: step), in: folder) }
        whole = try bytes(of: folder.file(ofStep: 10))
    }

    /// Whether the newer one, with these bytes, is reported as damaged and the older one is used.
    func fallsBack(from bytes: some Collection<UInt8>) throws -> Bool {
        let path = folder.file(ofStep: 10)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let finding = try folder.newest(layout: layout)
        return finding.checkpoint?.state.progress.step == 5 && finding.damaged.map(\.path) == [path]
            && finding.damaged.allSatisfy(\.isAboutContent)
    }
}

struct CheckpointTests {
    @Test("Loading returns the state, bit by bit", arguments: [true, false])
    func roundTrip(moments: Bool) throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent("checkpoints"))
        #expect(try checkpoints.steps() == [])
        let original = state(step: 12, moments: moments)
        try save(original, in: checkpoints)
        #expect(try checkpoints.steps() == [12])
        let loaded = try CheckpointFile.load(checkpoints.file(ofStep: 12), layout: layout)
        #expect(loaded.identity == identity)
        #expect(bits(loaded.state.parameters) == bits(original.parameters))
        #expect(loaded.state.optimizer.map(\.name) == original.optimizer.map(\.name))
        for (read, written) in zip(loaded.state.optimizer, original.optimizer) {
            #expect(bits(read.buffer) == bits(written.buffer))
        }
        #expect(loaded.state.progress.optimizerScalars == original.progress.optimizerScalars)
        // Not-a-number is not equal to itself, so descriptions are compared; a dictionary's has no fixed order.
        var (read, written) = (loaded.state.progress, original.progress)
        read.optimizerScalars = [:]
        written.optimizerScalars = [:]
        #expect("\(read)" == "\(written)")
        #expect(loaded.state.progress.epochLossSum == 1.0 / 3)
    }

    @Test("Every truncation is rejected, and so is a longer file: the earlier checkpoint is used")
    func truncations() throws {
        let parent = try TemporaryFolder()
        let pair = try CheckpointPair(parent.path)
        for length in pair.whole.indices {
            #expect(try pair.fallsBack(from: pair.whole[..<length]), "\(length) of \(pair.whole.count) bytes")
        }
        #expect(try pair.fallsBack(from: pair.whole + [0]))
        #expect(try !pair.fallsBack(from: pair.whole))
    }

    @Test("Ten thousand random bit flips are rejected: the earlier checkpoint is used")
    func bitFlips() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        let parent = try TemporaryFolder()
        let pair = try CheckpointPair(parent.path)
        var file = pair.whole
        for _ in 0..<10_000 {
            let bit = Int.random(in: 0..<file.count * 8, using: &random)
            file[bit / 8] ^= 1 << UInt8(bit % 8)
            if try !pair.fallsBack(from: file) {
                Issue.record("bit \(bit % 8) of byte \(bit / 8) went unnoticed, seed \(seed)")
            }
            file[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        #expect(try !pair.fallsBack(from: file))
    }

    @Test("The newest undamaged checkpoint is used; damaged ones are reported and renamed")
    func newest() throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent.path)
        for step in [5, 10, 15] as [UInt64] { try save(state(step: step), in: checkpoints) }
        let path = checkpoints.file(ofStep: 15)
        var damaged = try bytes(of: path)
        damaged[damaged.count / 2] ^= 4
        try Data(damaged).write(to: URL(fileURLWithPath: path))
        _ = try parent.write([1, 2, 3], to: ".step-20.safetensors.4711.tmp")
        _ = try parent.write([], to: "notes.txt")

        let finding = try checkpoints.newest(layout: layout)
        #expect(finding.checkpoint?.state.progress.step == 10)
        #expect(
            finding.damaged.map(\.description) == [
                "\(path): altered or damaged: its bytes do not have the SHA-256 at its end"
            ])
        #expect(
            try parent.names() == [
                "notes.txt", "step-10.safetensors", "step-15.safetensors.damaged", "step-5.safetensors",
            ])
        #expect(try checkpoints.newest(layout: layout).damaged.isEmpty)
    }

    @Test("A checkpoint under another step's name, or of another network, is rejected")
    func misplaced() throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent.path)
        try save(state(step: 5), in: checkpoints)
        #expect(rename(checkpoints.file(ofStep: 5), checkpoints.file(ofStep: 6)) == 0)
        let finding = try checkpoints.newest(layout: layout)
        #expect(finding.checkpoint == nil)
        #expect(finding.damaged.map(\.description) == ["\(checkpoints.file(ofStep: 6)): it is of step 5"])
        let wider = try NetworkModel(Architecture(sizes: [3, 4, 2])).layout
        #expect(
            message { try CheckpointFile.load(checkpoints.file(ofStep: 6), layout: wider) }.hasSuffix(
                "'layers.0.weight' does not have the shape [4, 3] of this run's network"))
    }

    @Test("A checkpoint of another format version is refused by name and stays, even beside an older one")
    func otherVersion() throws {
        let parent = try TemporaryFolder()
        let pair = try CheckpointPair(parent.path)
        let path = pair.folder.file(ofStep: 10)
        func write(_ old: String, _ new: String, signed: Bool) throws {
            var file = pair.whole
            file.replaceSubrange(try #require(file.firstRange(of: Array(old.utf8))), with: Array(new.utf8))
            let covered = file.count - SHA256Digest.byteCount
            if signed { file[covered...] = ArraySlice(file[..<covered].withUnsafeBytes { SHA256.hash($0).bytes }) }
            try Data(file).write(to: URL(fileURLWithPath: path))
        }
        try write(#""format_version":"1""#, #""format_version":"3""#, signed: true)
        let later = ArtifactError.unknownVersion(path: path, version: "3", known: ["1"])
        #expect(throws: later) { try pair.folder.newest(layout: layout) }
        #expect(later.isAboutContent && !later.isAboutInput && later.path == path)
        #expect(
            "\(later)" == "\(path): its format version is '3', this program reads 1; use the program that wrote it")
        try write(#""format_version":"1""#, #""format_versiom":"1""#, signed: true)
        let silent = ArtifactError.unknownVersion(path: path, version: nil, known: ["1"])
        #expect(throws: silent) { try pair.folder.newest(layout: layout) }
        #expect(
            "\(silent)" == "\(path): it names no format version, this program reads 1; use the program that wrote it")
        #expect(try parent.names() == ["step-10.safetensors", "step-5.safetensors"])
        // In a file that is not intact, the version is damaged like everything else.
        try write(#""format_version":"1""#, #""format_version":"3""#, signed: false)
        #expect(try pair.folder.newest(layout: layout).checkpoint?.state.progress.step == 5)
    }

    @Test("The last three stay")
    func retention() throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent.path)
        for step in [3, 20, 100, 1000, 99] as [UInt64] { try save(state(step: step), in: checkpoints) }
        #expect(try checkpoints.steps() == [1000, 100, 99])
    }
}

/// Each stage of a save at which the file system can fail or the process can end.
private let stages: [AtomicFile.Stage] =
    [.create] + (0..<6).map { .write(part: $0) } + [.synchronize, .rename, .synchronizeFolder]

struct CheckpointFailureTests {
    @Test(
        "If any stage of a save fails, the earlier checkpoint is undamaged and no temporary file is left",
        arguments: stages)
    func failures(stage: AtomicFile.Stage) throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent.path)
        try save(state(step: 5), in: checkpoints)
        var wasReached = false
        #expect(throws: ArtifactError.system(.write, path: checkpoints.file(ofStep: 10), code: ENOSPC)) {
            try checkpoints.write(Checkpoint(identity: identity, state: state(step: 10)), layout: layout) {
                (next) throws(ArtifactError) in
                guard next == stage else { return }
                wasReached = true
                throw .system(.write, path: checkpoints.file(ofStep: 10), code: ENOSPC)
            }
        }
        #expect(wasReached)
        let finding = try checkpoints.newest(layout: layout)
        #expect(finding.damaged.isEmpty)
        // Once it is renamed, the new one is complete, although its name may not be on the disk yet.
        #expect(finding.checkpoint?.state.progress.step == (stage == .synchronizeFolder ? 10 : 5))
        #expect(try parent.names().count == (stage == .synchronizeFolder ? 2 : 1))
    }

    @Test("If a process ends at any stage of a save, an undamaged checkpoint is found", arguments: stages.indices)
    func crashes(index: Int) async throws {
        let parent = try TemporaryFolder()
        let checkpoints = CheckpointFolder(path: parent.path)
        try save(state(step: 5), in: checkpoints)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = parent.path as String, index = index as Int] in
            let checkpoints = CheckpointFolder(path: path)
            try checkpoints.write(Checkpoint(identity: identity, state: state(step: 10)), layout: layout) {
                if $0 == stages[index] { kill(getpid(), SIGKILL) }
            }
        }
        let finding = try checkpoints.newest(layout: layout)
        #expect(finding.damaged.isEmpty)
        #expect(finding.checkpoint?.state.progress.step == (stages[index] == .synchronizeFolder ? 10 : 5))
        #expect(try parent.names().allSatisfy { $0.hasPrefix("step-") })
    }
}

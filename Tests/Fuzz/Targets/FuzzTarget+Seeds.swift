import Foundation
import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepData
import LockstepDigest
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepRuntime
import LockstepSharding
import LockstepTimeline
import LockstepTraining

extension FuzzTarget {
    /// Valid inputs that this version of the program writes itself. They need not lie in the corpus, where a change of the
    /// format would make them invalid.
    package func writtenInputs() throws -> [[UInt8]] {
        switch self {
        case .welcome: [try welcomeInput(), try welcomeInput(features: true)]
        case .wire: [timelineInput()] + bodyInputs()
        case .parts: [[0, 0, 4, 0, 4, 4, 0, 8, 2, 1, 0, 4]]
        case .region: RegionMessage.Kind.allCases.map(regionInput)
        case .status: [try statusInput()]
        case .model: [try modelInput()]
        case .checkpoint: [try checkpointInput(moments: false), try checkpointInput(moments: true)]
        case .summary: [try summaryInput()]
        case .events: [false, true].map(recordedRun)
        case .idx, .pickle, .table, .picture, .configuration, .keys, .zap, .endpoint: []
        }
    }
}

private func message(_ kind: MessageKind, _ body: some MessageBody) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: Header.size)
    header.withUnsafeMutableBytes { Header(kind: kind, run: 7, member: 2, unit: 1, step: 3).encode(into: $0) }
    return header + body.encoded()
}

private func timelineInput() -> [UInt8] {
    let span = Timeline.Span(kind: .phase, phase: .forward, layer: 1, step: 5, start: 10, end: 20, detail: 0)
    return message(.timeline, TimelineReport(clock: 30, totals: [1, 2, 3], spans: [span, span]))
}

/// A message of each other kind that has a body.
private func bodyInputs() -> [[UInt8]] {
    let digest = withUnsafeBytes(of: 7) { SHA256.hash($0) }
    return [
        message(.hello, Hello(programVersion: "1.2.3", host: "host", processID: 5)),
        message(
            .ready,
            Ready(kernel: "avx2", fingerprint: [BlockDigest(rows: 3, digest: digest.bytes)])),
        message(.refuse, Refusal(code: .full, message: "the run has its workers")),
        message(.nodeResult, NodeResult(lossSum: 0.5, computeNanoseconds: 9)),
        message(
            .blockResult,
            BlockResult(lossSum: 0.5, computeNanoseconds: 9, correct: 3, total: 4, predictions: [0: 1, 1: 3])),
        message(.goodbye, Goodbye(code: .finished, message: "the run is finished")),
        message(.logLines, LogLines(lines: ["Joined the run as worker 1", "no such file"])),
    ]
}

private func regionInput(kind: RegionMessage.Kind) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: RegionMessage.size)
    bytes.withUnsafeMutableBytes { RegionMessage(kind, run: 7, member: 2, slots: 3).encode(into: $0) }
    return bytes
}

private func statusInput() throws -> [UInt8] {
    let workers = (1...3).map { number in
        ClusterStatus.Worker(
            member: number, host: "host-\(number)", processID: 100 + number, state: .computing, outstanding: 1)
    }
    let cluster = ClusterStatus(
        phase: .training, step: 12, workers: workers, lost: 1, joined: 4, shardsReassigned: 2)
    let report = StatusReport(
        try welcome(), cluster: cluster, computeTimes: [1: 1_000, 2: 1_100, 3: 9_000], programVersion: "1.2.3")
    return try report.encoded()
}

/// A state after seven steps of five an epoch.
private func checkpointInput(moments: Bool) throws -> [UInt8] {
    func buffer(_ start: Float) -> FloatBuffer {
        let buffer = FloatBuffer(count: checkpointLayout.count)
        for index in 0..<buffer.count { buffer.buffer[index] = start + Float(index) }
        return buffer
    }
    var progress = TrainingProgress()
    progress.step = 7
    progress.epochs = [epochInput]
    progress.optimizerScalars = ["beta1": 0.5, "beta2": -.infinity]
    let identity = RunIdentity(
        configuration: String(repeating: "c", count: 64), data: String(repeating: "d", count: 64),
        programVersion: "1.2.3", kernel: "avx2",
        fingerprint: NumericFingerprint(
            digests: [3, 10].map { rows in
                .init(rows: rows, digest: withUnsafeBytes(of: rows) { SHA256.hash($0) })
            }))
    let state = TrainingState(
        progress: progress, parameters: buffer(0.5),
        optimizer: moments ? [("first", buffer(1.5)), ("second", buffer(2.5))] : [])
    return try writtenFile { path in
        try CheckpointFile.save(Checkpoint(identity: identity, state: state), layout: checkpointLayout, to: path)
    }
}

private let epochInput = EpochReport(
    epoch: 0, test: SplitScore(correct: 3, total: 6, meanLoss: .infinity, predictions: [4, 2]),
    validation: SplitScore(correct: 2, total: 6, meanLoss: 0.5, predictions: [3, 3]), meanTrainingLoss: .nan,
    seconds: 0.1,
    samples: 20, totalSteps: 5, workers: 2, weightsSHA256: String(repeating: "e", count: 64), isBest: true)

private func summaryInput() throws -> [UInt8] {
    let welcome = try welcome()
    let run = RunDescription(
        configuration: welcome.configuration, dataset: welcome.dataset, shards: 4, workers: 2, kernel: "avx2",
        parameterCount: 23_860, stepsPerEpoch: 5)
    var epochs = [epochInput, epochInput]
    epochs[1].epoch = 1
    var membership = MembershipCounts()
    (membership.lost, membership.joined, membership.shardsReassigned) = (1, 3, 2)
    let outcome = RunOutcome(
        epochs: epochs, steps: 10, seconds: 0.2, samples: 40, weightsSHA256: String(repeating: "e", count: 64),
        membership: membership, maximumStepGapMilliseconds: 1.5, interrupted: false)
    return [UInt8](
        try JSONEncoder().encode(
            RunSummary(run: run, outcome: outcome, programVersion: "1.2.3", peakMemoryBytes: 1 << 20)))
}

/// The bytes that a function writes to a file.
private func writtenFile(_ write: (String) throws -> Void) throws -> [UInt8] {
    let path = "/tmp/lockstep-fuzz-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    try write(path)
    return [UInt8](try Data(contentsOf: URL(filePath: path)))
}

private func welcomeInput(features: Bool = false) throws -> [UInt8] {
    try welcome(features: features).encoded()
}

private func welcome(features: Bool = false) throws -> Welcome {
    let text = """
        name: welcome
        data: { name: mnist }
        network: { sizes: [784, 30, 10] }
        training: { epochs: 1, batch: 10 }
        optimizer: { sgd: { learning-rate: 3.0 } }
        shards: 4
        """ + (features ? featureText : "")
    var dataset = DatasetDescription(
        name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000, validationCount: 10_000,
        testCount: 10_000, sha256: String(repeating: "0", count: 64))
    if features { (dataset.trainingCount, dataset.unusedCount) = (40_000, 10_000) }
    let configuration = try ConfigurationFile.parse(
        text: text, name: "welcome.yaml", overrides: features ? featureOverrides : [])
    return Welcome(configuration: configuration, dataset: dataset)
}

/// Features of training in sections that every run has.
private let featureOverrides = [
    "data.training=40000", "training.early-stopping.patience=3", "training.clip-norm=0.5",
    "optimizer={ rmsprop: { learning-rate: 0.001, momentum: 0.5 } }",
]

/// A run with every optional feature of training.
private let featureText = """

    cost: cross-entropy
    schedule: { one-cycle: { warm-up: 0.2 } }
    regularization: { dropout: 0.2, input-dropout: 0.1, label-smoothing: 0.05, average: 0.9 }
    augmentation: { shift: 1, rotation: 10, scale: 0.1, shear: 0.1, elastic: 0.5, smoothness: 3 }
    """

/// A network of 3-2-1.
private func modelInput() throws -> [UInt8] {
    let parameters = FloatBuffer(count: 11)
    for index in 0..<parameters.count { parameters.buffer[index] = Float(index) + 0.5 }
    return try writtenFile { path in
        try ModelFile.save(
            to: path, architecture: Architecture(sizes: [3, 2, 1]), cost: .quadratic,
            parameters: UnsafeBufferPointer(parameters.buffer),
            metadata: ModelMetadata(inputScale: .byte, labels: ["only"], seed: 1, dataName: "digits"))
    }
}

import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTesting
import LockstepTraining
import Synchronization
import Testing

@testable import LockstepRuntime

/// The weights do not depend on the transport.
@Suite("Transport", .serialized)
struct TransportTests {
    @Test(
        "Whatever the transport, the weights are those of a single process",
        arguments: [
            Case([.inline, .inline], .auto), Case([.auto, .auto], .shared), Case([.shared, .inline, .auto], .auto),
            Case([.auto], .auto), Case([.auto, .auto], .inline), Case([.auto, .shared], .sharedSockets),
            Case([.sharedSockets, .auto, .inline], .auto),
        ], [1, 4, 5])
    func weights(_ test: Case, shards: Int) throws {
        let run = try ThreadCluster.prepare(shards: shards)
        let alone = try run.train(observers: []) { false }
        let result = try ThreadCluster(workers: test.workers, transport: test.coordinator).train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(result.outcome.epochs.map(\.test) == alone.epochs.map(\.test))
        #expect(result.endings == test.workers.map { _ in "\(WorkerEnding.finished)" })
        let sendsInline = test.coordinator == .inline || test.workers.contains(.inline)
        #expect((result.outcome.membership.inlinePayloadBytes > 0) == sendsInline)
    }

    @Test(
        "Rounded payload: whatever the transport, the weights are those of a single process",
        arguments: [
            Case([.inline, .inline], .auto), Case([.shared, .inline, .auto], .auto), Case([.auto], .auto),
            Case([.inline], .inline),
        ], [1, 2, 5])
    func roundedWeights(_ test: Case, shards: Int) throws {
        let run = try ThreadCluster.prepare(shards: shards, dataType: .bfloat16)
        let alone = try run.train(observers: []) { false }
        var cluster = ThreadCluster(workers: test.workers, transport: test.coordinator)
        cluster.auditedFraction = 0.2
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(result.outcome.epochs.map(\.test) == alone.epochs.map(\.test))
        #expect(!result.notices.contains { if case .quarantined = $0 { true } else { false } })
        #expect(
            try ThreadCluster.prepare(shards: shards).train(observers: []) { false }.weightsSHA256
                != alone.weightsSHA256)
    }

    /// The drain of an abandoned step has no deadline of its own: a worker whose answer is not read is evicted.
    @Test(
        "A step that is abandoned after its first answer waits for the answers of all workers, and loses none",
        arguments: [Transport.shared, .sharedSockets, .inline])
    func abandonedStep(transport: Transport) throws {
        struct Abandoned: Error {}
        let run = try ThreadCluster.prepare(shards: 4)
        let alone = try run.train(observers: []) { false }
        let schedule = run.schedule
        var cluster = ThreadCluster(workers: [transport, transport, transport])
        cluster.beforeTraining = { source, parameters in
            for _ in 0..<20 {
                #expect(throws: Abandoned.self) {
                    try source.gradients(of: Batch(step: 0, schedule: schedule), parameters: parameters) { _ in
                        throw Abandoned()
                    }
                }
                try source.abandonStep(isRewound: true)
            }
        }
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(result.outcome.membership.lost == 0)
    }

    @Test(
        "A coordinator that computes beside workers does not change the weights",
        arguments: [[Transport.shared, .shared, .inline], [.inline], [.sharedSockets, .shared]],
        [CommunicationDataType.float32, .bfloat16])
    func coordinatorBesideWorkers(_ workers: [Transport], _ dataType: CommunicationDataType) throws {
        for shards in [1, 2, 7] {
            let run = try ThreadCluster.prepare(shards: shards, epochs: 3, dataType: dataType)
            let alone = try run.train(observers: []) { false }
            for count in workers.indices {
                var cluster = ThreadCluster(workers: workers, auditedFraction: 0.2)
                cluster.predictions = Array(repeating: 1, count: workers.count + 1)
                cluster.predictionsWithCoordinator = workers.indices.map { $0 == count ? 1e-3 : 1 }
                let result = try cluster.train(run)
                #expect(result.outcome.weightsSHA256 == alone.weightsSHA256, "\(shards) shards, \(count + 1) workers")
                #expect(result.outcome.epochs.map(\.test) == alone.epochs.map(\.test))
                #expect(
                    result.outcome.epochs.map(\.workers) == [count + 2, count + 2, count + 2], "\(result.notices)")
            }
        }
    }

    @Test(
        "A worker that leaves during a run does not change the weights",
        arguments: [Transport.shared, .sharedSockets, .inline])
    func leaving(_ transport: Transport) throws {
        // Long enough that the worker's goodbye arrives before the end, however busy the machine is.
        let run = try ThreadCluster.prepare(shards: 4, epochs: 300)
        let alone = try run.train(observers: []) { false }
        let turns = Counter()
        let cluster = ThreadCluster(
            workers: [transport, transport, transport], probe: { $0 == 1 && turns.next() > 12 })
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(result.endings[1] == "\(WorkerEnding.stopped)")
        #expect(result.notices.contains { if case .left = $0 { true } else { false } })
    }

    @Test(
        "An audit compares answers of all transports",
        arguments: [[Transport.shared, .shared], [.shared, .inline], [.sharedSockets, .shared]])
    func audited(_ workers: [Transport]) throws {
        let run = try ThreadCluster.prepare(shards: 4)
        let alone = try run.train(observers: []) { false }
        var cluster = ThreadCluster(workers: workers)
        cluster.auditedFraction = 1
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(!result.notices.contains { if case .quarantined = $0 { true } else { false } })
    }

    @Test("A gradient is read only from the slot that its node was assigned in this step")
    func slots() throws {
        let region = try MemberRegion(
            member: MemberID(rawValue: 1), layout: RegionLayout(parameters: 10, shards: 4))
        let first = WorkItem(kind: .node, step: 3, number: 4)
        let other = WorkItem(kind: .node, step: 3, number: 5)
        #expect(region.gradient(of: first) == nil)
        #expect(region.place(first) == 0)
        #expect(region.gradient(of: first)?.isStable == true)
        #expect(region.gradient(of: other) == nil)
        #expect(region.place(WorkItem(kind: .node, step: 4, number: 5)) == 0)
        #expect(region.gradient(of: first) == nil && region.gradient(of: other) == nil)
    }

    @Test("A run that requires shared memory refuses a worker without it")
    func insisting() throws {
        let run = try ThreadCluster.prepare(shards: 2, secondsToStart: 1)
        let cluster = ThreadCluster(workers: [.inline], transport: .shared)
        #expect(throws: ClusterFailure.tooFewWorkers(joined: 0, needed: 1, seconds: 1)) { try cluster.train(run) }
    }

    @Test("Messages of strangers on the socket for shared memory do no harm")
    func garbage() throws {
        let run = try ThreadCluster.prepare(shards: 2, epochs: 4)
        let alone = try run.train(observers: []) { false }
        let strangers = Strangers()
        let cluster = ThreadCluster(
            workers: [.shared, .shared], betweenSteps: { strangers.sendMessage() },
            beforeSteps: { strangers.setAddress(run: $0, $1) })
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == alone.weightsSHA256)
        #expect(result.outcome.membership.inlinePayloadBytes == 0)
        #expect(strangers.count > 30)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let workers: [Transport]
        let coordinator: Transport

        init(_ workers: [Transport], _ coordinator: Transport) {
            self.workers = workers
            self.coordinator = coordinator
        }

        var testDescription: String { "workers \(workers.map(\.rawValue)), coordinator \(coordinator.rawValue)" }
    }
}

final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .relaxed) }

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

/// Clients that connect to the socket for shared memory and send invalid messages.
private final class Strangers: Sendable {
    private let place = Mutex<(run: UInt32, name: String)?>(nil)
    private let random = Mutex(SplitMix64(seed: 9))
    private let sent = Counter()

    var count: Int { sent.count }

    func setAddress(run: UInt32, _ address: Welcome.Regions?) {
        if case .name(let name) = address { place.withLock { $0 = (run, name) } }
    }

    /// Connects as one more stranger, sends a message with two open files, and disconnects.
    func sendMessage() {
        guard let (run, name) = place.withLock({ $0 }), let socket = try? LocalListener.connect(to: name) else {
            return
        }
        let record = record(number: sent.next(), run: run)
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        try? record.withUnsafeBytes { try LocalSocket.send($0, files: [file, file], over: socket.number) }
    }

    private func record(number: Int, run: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RegionMessage.size)
        let kind = RegionMessage.Kind.allCases[number % RegionMessage.Kind.allCases.count]
        let message = RegionMessage(kind, run: number % 2 == 0 ? run : run &+ 1, member: UInt32(number % 5))
        bytes.withUnsafeMutableBytes { message.encode(into: $0) }
        return random.withLock { random in
            switch number % 4 {
            case 0: bytes
            case 1: Array(bytes.prefix(Int.random(in: 1..<16, using: &random)))
            case 2: bytes + bytes
            default: (0..<Int.random(in: 1...200, using: &random)).map { _ in .random(in: 0 ... .max, using: &random) }
            }
        }
    }
}

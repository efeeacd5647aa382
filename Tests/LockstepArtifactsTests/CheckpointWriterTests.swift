import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import LockstepTraining
import Synchronization
import Testing

@testable import LockstepArtifacts

private let identity = RunIdentity(
    configuration: "c", data: "d", programVersion: "1", kernel: "avx2", fingerprint: NumericFingerprint(digests: []))

private func state(_ step: UInt64, _ value: Float) -> TrainingState {
    var progress = TrainingProgress()
    progress.step = step
    let parameters = FloatBuffer(count: 9)
    parameters.buffer.update(repeating: value)
    return TrainingState(progress: progress, parameters: parameters, optimizer: [])
}

/// The notices of a writer.
private final class Notices: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }

    func add(_ notice: CheckpointWriter.Notice) {
        lines.withLock {
            switch notice {
            case .saved(let step, let isRequested): $0.append("saved \(step)\(isRequested ? ", requested" : "")")
            case .damaged: $0.append("damaged")
            case .failed(let step, let previous, _): $0.append("failed \(step), \(previous.map(String.init) ?? "none")")
            }
        }
    }
}

struct CheckpointWriterTests {
    private let folder: TemporaryFolder
    private let checkpoints: CheckpointFolder
    private let layout: ParameterLayout
    private let notices = Notices()

    init() throws {
        folder = try TemporaryFolder()
        checkpoints = CheckpointFolder(path: folder("checkpoints"))
        layout = try NetworkModel(Architecture(sizes: [2, 3])).layout
    }

    private func writer(
        every: Double, previous: TrainingProgress? = nil, requests: @escaping () -> Int = { 0 },
        hook: @escaping AtomicFile.Hook = { _ in }
    ) -> CheckpointWriter {
        let writer = CheckpointWriter(
            folder: checkpoints, layout: layout, identity: identity, every: every, previous: previous,
            requestCount: requests, hook: hook, notify: notices.add)
        writer.prepare(for: state(0, 0))
        return writer
    }

    @Test("A state is saved as it was at the call, and the last one is on the disk when the call returns")
    func copies() throws {
        let writer = self.writer(every: 30)
        let first = state(1, 1)
        writer.save(first, isLast: false)
        first.parameters.buffer.update(repeating: 5)
        writer.save(state(2, 2), isLast: true)
        #expect(notices.all == ["saved 1", "saved 2"])
        let loaded = try CheckpointFile.load(checkpoints.file(ofStep: 1), layout: layout)
        #expect(loaded.state.parameters.values.allSatisfy { $0 == 1 })
        #expect(try checkpoints.newest(layout: layout).checkpoint?.state.progress.step == 2)
    }

    @Test("A copy whose bits are not those of the run's last step is not saved; the last one is tried twice")
    func changedCopy() throws {
        let writer = self.writer(every: 30)
        writer.save(state(1, 1), isLast: true)
        for isLast in [false, true] {
            var changed = state(2, 2)
            changed.sums = BitSums(weights: changed.parameters.bitSum &+ 1)
            #expect(!changed.isIntact)
            writer.save(changed, isLast: isLast)
        }
        #expect(notices.all == ["saved 1"] + Array(repeating: "failed 2, 1", count: 3))
        #expect(try checkpoints.steps() == [1])
        var intact = state(3, 3)
        intact.sums = BitSums(weights: intact.parameters.bitSum)
        writer.save(intact, isLast: true)
        #expect(notices.all.last == "saved 3")
    }

    @Test("A checkpoint is due after the period or on request, and never by the clock if the period is 0")
    func due() {
        let start = Instant.now
        let writer = self.writer(every: 30)
        // Nothing has been written yet: half the period.
        #expect(!writer.isDue(at: start.advanced(by: .seconds(14))))
        #expect(writer.isDue(at: start.advanced(by: .seconds(29))))
        writer.save(state(1, 1), isLast: true)
        // Writing took almost no time: the next is due at the end of the period, and not in its first half.
        #expect(!writer.isDue(at: start.advanced(by: .seconds(14))))
        #expect(writer.isDue(at: Instant.now.advanced(by: .seconds(30))))
        var count = 4
        let asked = self.writer(every: 0, requests: { count })
        #expect(!asked.isDue(at: start.advanced(by: .seconds(1_000_000))))
        count = 5
        #expect(asked.isDue(at: start))
        asked.save(state(1, 1), isLast: true)
        #expect(!asked.isDue(at: start))
    }

    @Test("While one checkpoint is being written no other is due, however slow the disk")
    func busy() {
        let gate = Mutex<Void>(())
        var count = 0
        let writer = gate.withLock { _ in
            let writer = self.writer(
                every: 0, requests: { count }, hook: { if $0 == .create { gate.withLock { _ in } } })
            count = 1
            writer.save(state(1, 1), isLast: false)
            count = 2
            #expect(!writer.isDue(at: .now))
            return writer
        }
        writer.save(state(2, 2), isLast: true)
        #expect(notices.all == ["saved 1, requested", "saved 2, requested"])
    }

    @Test("A state that is on the disk already is not written again")
    func once() throws {
        var progress = TrainingProgress()
        progress.step = 3
        let writer = self.writer(every: 30, previous: progress)
        writer.save(state(3, 1), isLast: true)
        #expect(notices.all == [])
        writer.save(state(4, 1), isLast: false)
        writer.save(state(4, 1), isLast: true)
        #expect(notices.all == ["saved 4"])
    }

    @Test("A failure is reported with the newest checkpoint, and the next state is written again")
    func failure() throws {
        let isFull = Mutex(false)
        let hook: AtomicFile.Hook = { stage throws(ArtifactError) in
            if stage == .synchronize, isFull.withLock({ $0 }) { throw .system(.write, path: "c", code: 28) }
        }
        let writer = self.writer(every: 30, hook: hook)
        isFull.withLock { $0 = true }
        writer.save(state(1, 1), isLast: false)
        writer.save(state(2, 2), isLast: true)
        isFull.withLock { $0 = false }
        writer.save(state(3, 3), isLast: true)
        isFull.withLock { $0 = true }
        writer.save(state(4, 4), isLast: true)
        #expect(notices.all == ["failed 1, none", "failed 2, none", "saved 3", "failed 4, 3"])
        #expect(try checkpoints.steps() == [3])
    }
}

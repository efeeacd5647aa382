import Glibc
import LockstepCluster
import LockstepData
import LockstepSystem
import LockstepTimeline

/// A fault that a test injects into a worker through the environment variable `LOCKSTEP_FAULT`, which is unset in real runs.
///
///     flip              flips a bit of the first number other than zero in each gradient
///     nan, inf          makes the last number of each gradient NaN or infinite
///     huge              makes all numbers of each gradient 1e38
///     loss              answers NaN as the loss of each node
///     score             answers NaN as the loss of each evaluation block
///     hang              stops computing forever, while the I/O thread answers heartbeats
///     hang=SECONDS      stops computing for this time
///     slow=MILLISECONDS adds this time to each node
///     fail              fails with an error
///     mailbox           writes random bytes into its mailbox before each answer
///     mailbox=MILLISECONDS
///                       the same again and again for this time
///     records=MILLISECONDS
///                       puts each answer into its mailbox again and again for this time
///     own-data          changes bytes of the data set in this process's own memory once
///     own-data=STEPS    the same, and so many steps later the data set is read as if an hour had passed
///
/// An appended `@STEP` selects the first step of the fault (a hang happens once), and `#NUMBER` selects one of the
/// workers that `train` or `chaos` starts.
package struct InjectedFault {
    private enum Kind {
        case flip
        case last(Float)
        case all(Float)
        case loss
        case score
        case hang(seconds: Double)
        case slow(milliseconds: Double)
        case fail
        case mailbox(milliseconds: Double)
        case records(milliseconds: Double)
        case ownData(stepsUntilRead: UInt64?)
    }

    static let variable = "LOCKSTEP_FAULT"
    /// The environment variable with the number of a worker that `train` or `chaos` has started.
    package static let numberVariable = "LOCKSTEP_WORKER"

    private var kind: Kind?
    private var firstStep: UInt64 = 0
    /// The copy of the data set that is to change; nil: it has changed, or there is none.
    private var copy: DatasetCopy?

    /// The fault in this process's environment; none if the text is malformed.
    static var fromEnvironment: InjectedFault {
        guard let text = getenv(variable) else { return InjectedFault() }
        return InjectedFault(String(cString: text), worker: getenv(numberVariable).map { String(cString: $0) })
    }

    private init() {}

    private init(_ text: String, worker: String?) {
        let parts = text.split(separator: "#", maxSplits: 1)
        if parts.count == 2, worker != String(parts[1]) { return }
        let words = (parts.first ?? "").split(separator: "@", maxSplits: 1)
        if words.count == 2 { firstStep = UInt64(words[1]) ?? 0 }
        let assignment = (words.first ?? "").split(separator: "=", maxSplits: 1)
        let value = assignment.count == 2 ? Double(assignment[1]) ?? 0 : 0
        switch assignment.first {
        case "flip": kind = .flip
        case "nan": kind = .last(.nan)
        case "inf": kind = .last(.infinity)
        case "huge": kind = .all(1e38)
        case "loss": kind = .loss
        case "score": kind = .score
        case "hang": kind = .hang(seconds: assignment.count == 2 ? value : .infinity)
        case "fail": kind = .fail
        case "mailbox": kind = .mailbox(milliseconds: value)
        case "records": kind = .records(milliseconds: value)
        case "own-data": kind = .ownData(stepsUntilRead: assignment.count == 2 ? UInt64(assignment[1]) : nil)
        case "slow": kind = .slow(milliseconds: value)
        default: kind = nil
        }
    }

    /// Hangs, delays or fails if the fault says so. Call it before an item is computed.
    ///
    /// - Throws: `SystemError` for `fail`.
    mutating func willCompute(_ item: WorkItem) throws(SystemError) {
        guard item.step >= firstStep else { return }
        switch kind {
        case .hang(let seconds):
            kind = nil
            let whole = min(seconds, 1e6)
            sleep(UInt32(whole))
            usleep(UInt32((whole - whole.rounded(.down)) * 1e6))
        case .slow(let milliseconds):
            usleep(UInt32(max(0, min(milliseconds, 1e6)) * 1e3))
        case .fail:
            throw SystemError("compute \(item)", code: EIO)
        case .ownData:
            copy?.damage()
            copy = nil
        case .flip, .last, .all, .loss, .score, .mailbox, .records, nil:
            break
        }
    }

    /// Fills this worker's mailbox with random bytes, and at last with records that have numbers that the coordinator expects, if the
    /// fault says so. Call it before an answer is put there.
    func willAnswer(_ item: WorkItem, in page: UnsafeMutableRawBufferPointer?) {
        guard case .mailbox(let milliseconds) = kind, item.step >= firstStep, let page else { return }
        let end = Instant.now.advanced(bySeconds: milliseconds * 1e-3)
        repeat {
            for index in page.indices { page[index] = UInt8.random(in: 0...255) }
        } while .now < end
        for number in 1...UInt64(Mailbox.capacity) {
            let lap = UInt64.random(in: 0..<4) * UInt64(Mailbox.capacity)
            page.storeBytes(of: number + lap, toByteOffset: Int(number) * Mailbox.recordSize, as: UInt64.self)
        }
    }

    /// Puts an answer again and again, if the fault says so. Call it after the answer has been put.
    ///
    /// - Parameters:
    ///   - item: The item that was answered.
    ///   - put: Puts the answer.
    func didAnswer(_ item: WorkItem, put: () -> Void) {
        guard case .records(let milliseconds) = kind, item.step >= firstStep else { return }
        let end = Instant.now.advanced(bySeconds: milliseconds * 1e-3)
        while .now < end { put() }
    }

    /// A copy of the data set that the fault will change, and on which the worker is to compute; nil if the fault changes
    /// none.
    mutating func copy(of dataset: Dataset) -> Dataset? {
        guard case .ownData = kind else { return nil }
        let memory = DatasetCopy(dataset)
        copy = memory
        return try? Dataset(
            description: dataset.description, bytes: UnsafeRawBufferPointer(memory.bytes), owner: memory)
    }

    /// Whether the worker is to read its data set before an item as if an hour had passed.
    func passesTime(before item: WorkItem) -> Bool {
        guard case .ownData(let steps?) = kind else { return false }
        return item.step >= firstStep && item.step - firstStep >= steps
    }

    /// Changes an answer's floats if the fault says so. Call it before they are sent.
    func willSend(_ floats: UnsafeRawBufferPointer, of item: WorkItem) {
        guard item.step >= firstStep else { return }
        let words = UnsafeMutableRawBufferPointer(mutating: floats).bindMemory(to: UInt32.self)
        switch kind {
        case .flip:
            guard let first = words.firstIndex(where: { $0 << 1 != 0 }) else { return }
            // A bit of the mantissa, so that the number stays finite.
            words[first] ^= 1 << 22
        case .last(let value):
            if !words.isEmpty { words[words.count - 1] = value.bitPattern }
        case .all(let value):
            for index in words.indices { words[index] = value.bitPattern }
        default:
            break
        }
    }

    /// The loss that is sent with an answer.
    func willSend(loss: Double, of item: WorkItem) -> Double {
        switch (kind, item.kind) {
        case (.loss, .node), (.score, .block): item.step >= firstStep ? .nan : loss
        default: loss
        }
    }
}

/// A copy of a data set's bytes that can change.
private final class DatasetCopy {
    let bytes: UnsafeMutableRawBufferPointer
    private let featureBytes: Int

    init(_ dataset: Dataset) {
        bytes = .allocate(byteCount: dataset.bytes.count, alignment: 64)
        bytes.copyMemory(from: dataset.bytes)
        featureBytes = dataset.layout.labelOffset
    }

    deinit { bytes.deallocate() }

    /// Changes features all over the data set, so that the next step differs. Labels stay, because a class that does not
    /// exist would be noticed.
    func damage() {
        for index in stride(from: 0, to: featureBytes, by: 61) { bytes[index] ^= 1 << 4 }
    }
}

import LockstepCluster
import LockstepData
import LockstepNumerics
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// The memory that a worker shares with its coordinator for one membership.
final class WorkerRegions {
    /// How long the worker waits for the coordinator's answer. It does nothing else meanwhile.
    private static let timeout = Duration.seconds(Deadlines().offer)

    let layout: RegionLayout
    let weights: VersionedParameters
    let dataset: Dataset
    private let gradients: SharedRegion
    /// The memory of the mailboxes and of the coordinator's flag; empty if tasks and answers are messages.
    private let mailMemory: [SharedRegion]
    private var mailbox: Mailbox?
    private let claim: RegionMessage
    /// The socket over which the regions came. It is readable when the coordinator wakes this process, and when the coordinator's
    /// process has ended.
    let socket: Int32
    /// The socket, if this object owns and closes it; nil if it is the standard input.
    private let connection: FileDescriptor?

    /// Requests regions from the coordinator, and maps them.
    ///
    /// - Parameters:
    ///   - source: The address in the welcome.
    ///   - claim: The request, with the run and the member.
    ///   - layout: The layout that follows from the welcome's configuration.
    ///   - description: The welcome's data set.
    ///   - usesMailbox: Whether to use a mailbox if the coordinator offers one.
    /// - Throws: An error that says why no memory can be shared: the coordinator is on another host, in another network
    ///   namespace or belongs to another user, or memory cannot be allocated.
    init(
        from source: Welcome.Regions, _ claim: RegionMessage, layout: RegionLayout,
        dataset description: DatasetDescription, usesMailbox: Bool
    ) throws {
        self.claim = claim
        switch source {
        case .standardInput:
            guard let parent = ParentChildSocket.standardInput else { throw RegionError.noSocket }
            connection = nil
            socket = parent.descriptor
        case .name(let name):
            let file = try LocalListener.connect(to: name)
            socket = file.number
            connection = consume file
        }
        let files = try Self.exchange(claim, over: socket, slots: layout.slots, timeout: Self.timeout)
        guard let weightFile = files.removeFile(at: 0), let gradientFile = files.removeFile(at: 1),
            let dataFile = files.removeFile(at: 2)
        else {
            throw RegionError.noOffer
        }
        let weightRegion = try SharedRegion(
            mapping: weightFile, name: "weights", byteCount: layout.weightBytes, access: .read)
        self.gradients = try SharedRegion(
            mapping: gradientFile, name: "gradients", byteCount: layout.gradientBytes, access: .readAndWrite)
        let data = try SharedRegion(
            mapping: dataFile, name: "data set", byteCount: try DatasetLayout(description).byteCount, access: .read)
        if usesMailbox, let file = files.removeFile(at: 3) {
            let tasks = try SharedRegion(mapping: file, name: "tasks", byteCount: Mailbox.size, access: .read)
            mailMemory = [tasks, weightRegion]
            if let own = RegionLayout.page(of: gradients.bytes), let other = RegionLayout.page(of: tasks.bytes),
                let flag = RegionLayout.page(of: weightRegion.bytes)
            {
                mailbox = Mailbox(own: own, other: UnsafeRawPointer(other), otherFlag: UnsafeRawPointer(flag))
            }
        } else {
            mailMemory = []
        }
        self.layout = layout
        self.dataset = try Dataset(
            description: description, bytes: UnsafeRawBufferPointer(data.bytes), owner: data)
        self.weights = VersionedParameters(
            initial: FloatBuffer(memory: layout.floats(at: 0, in: weightRegion.bytes), owner: weightRegion),
            other: FloatBuffer(memory: layout.floats(at: 1, in: weightRegion.bytes), owner: weightRegion),
            rounded: layout.versions == 2
                ? nil
                : (
                    FloatBuffer(memory: layout.floats(at: 2, in: weightRegion.bytes), owner: weightRegion),
                    FloatBuffer(memory: layout.floats(at: 3, in: weightRegion.bytes), owner: weightRegion)
                ))
    }

    /// The memory of the worker's mailbox.
    var mailPage: UnsafeMutableRawBufferPointer? {
        usesMailbox ? UnsafeMutableRawBufferPointer(rebasing: gradients.bytes.suffix(Mailbox.size)) : nil
    }

    /// Whether tasks and answers are records in mailboxes.
    var usesMailbox: Bool { mailbox != nil }

    /// When the coordinator put its next record; nil if there is none.
    var nextMailTime: Instant? { mailbox?.nextTime }

    /// Receives the coordinator's next record.
    ///
    /// - Throws: `ProtocolError` if it cannot be read.
    func receiveMail() throws(ProtocolError) -> Header? { try mailbox?.receive()?.header }

    /// Puts a result into the worker's mailbox, and wakes the coordinator if it sleeps.
    ///
    /// - Returns: False if there is no room, or no mailbox: the result must be sent as a message.
    func put(_ header: Header, _ result: NodeResult) -> Bool {
        guard let delivery = mailbox?.put(header, result, now: .now) else { return false }
        if delivery == .needsWaking { RegionMessage.wake(run: claim.run, member: claim.member, over: socket) }
        return delivery != .isFull
    }

    /// Tells the coordinator whether this process sleeps.
    func setAsleep(_ isAsleep: Bool) {
        guard usesMailbox, let page = RegionLayout.page(of: gradients.bytes) else { return }
        Mailbox.setAsleep(isAsleep, in: page)
    }

    /// The memory for a gradient; nil if there is no such slot.
    func gradient(slot: Int) -> UnsafeMutablePointer<Float>? {
        guard (0..<layout.slots).contains(slot) else { return nil }
        return layout.floats(at: slot, in: gradients.bytes).baseAddress
    }

    /// Whether the coordinator's end of the socket is closed. Otherwise reads and discards what has arrived: messages that wake
    /// this process.
    func hasEnded() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 32 * RegionMessage.size, alignment: 8) { buffer in
            if case .ended = LocalSocket.receive(into: buffer, from: socket) { true } else { false }
        }
    }
}

/// Why a worker cannot share memory with its coordinator.
enum RegionError: Error, CustomStringConvertible {
    case noSocket
    case noOffer
    case noAnswer
    case refused

    var description: String {
        switch self {
        case .noSocket: "this process was not started by the coordinator"
        case .noOffer: "the coordinator's offer is incomplete"
        case .noAnswer: "the coordinator did not answer"
        case .refused: "the coordinator has no memory to share; its log says why"
        }
    }
}

extension WorkerRegions {
    /// Sends a claim and waits for the answer to it. Ignores answers to earlier claims.
    private static func exchange(
        _ claim: RegionMessage, over socket: Int32, slots: Int, timeout: Duration
    ) throws -> ReceivedFiles {
        let deadline = Deadline.after(timeout)
        return try withUnsafeTemporaryAllocation(byteCount: RegionMessage.size, alignment: 8) { record in
            try claim.send(over: socket)
            while !deadline.hasPassed(at: Instant.now) {
                LocalSocket.wait(for: socket, until: deadline)
                guard case .received(let count, let files) = LocalSocket.receive(into: record, from: socket) else {
                    throw RegionError.noAnswer
                }
                let bytes = UnsafeRawBufferPointer(rebasing: record[..<count])
                guard let answer = try? RegionMessage(decoding: bytes), answer.run == claim.run,
                    answer.member == claim.member
                else { continue }
                guard answer.kind == .offer else { throw RegionError.refused }
                guard answer.slots == UInt32(slots), RegionMessage.offeredFiles.contains(files.count) else {
                    throw RegionError.noOffer
                }
                return files
            }
            throw RegionError.noAnswer
        }
    }
}

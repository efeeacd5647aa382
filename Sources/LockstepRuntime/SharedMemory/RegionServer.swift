import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSystem
import LockstepTraining

/// The coordinator's side of shared memory: it makes the regions and passes them to the workers on its host.
///
/// A worker requests its regions over a Unix socket. A worker that this process has started uses its standard input;
/// any other worker connects to the abstract name in the welcome. When such a socket ends, the worker's process has
/// ended.
final class RegionServer {
    /// A worker's socket.
    final class Channel {
        private let file: FileDescriptor
        var descriptor: Int32 { file.number }
        /// The member that last got regions over this socket.
        fileprivate(set) var member: MemberID?

        fileprivate init(_ file: consuming FileDescriptor) {
            self.file = file
        }
    }

    /// An event on a worker's socket.
    enum Event {
        /// A worker requests regions and claims to be this member.
        case claimed(MemberID, Channel)
        /// The process of this member has ended.
        case ended(MemberID)
    }

    /// The most sockets at a time: more than a run has workers.
    private static let maximumChannels = 4_096

    let layout: RegionLayout
    let run: UInt32
    /// Whether tasks and answers are records in mailboxes.
    let hasMailboxes: Bool
    /// The address in the welcome.
    let address: Welcome.Regions
    private let weights: SharedRegion
    private let data: SharedRegion
    private let listener: LocalListener?
    private let sockets: DescriptorSet
    private var channels: [Int32: Channel] = [:]
    /// A socket is a stream, on which several messages may have arrived.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32 * RegionMessage.size, alignment: 8)

    /// - Parameters:
    ///   - layout: The layout of the regions.
    ///   - data: The data set's bytes.
    ///   - run: The run's number.
    ///   - hasMailboxes: Whether tasks and answers are records in mailboxes.
    ///   - name: The abstract name to which other workers connect; nil: this process starts all workers itself.
    /// - Throws: `SystemError` if memory cannot be allocated or the name is in use.
    init(
        layout: RegionLayout, data: SharedRegion, run: UInt32, hasMailboxes: Bool, name: String?
    ) throws(SystemError) {
        self.layout = layout
        self.run = run
        self.hasMailboxes = hasMailboxes
        self.data = data
        self.address = name.map { .name($0) } ?? .standardInput
        self.weights = try SharedRegion(name: "lockstep-weights", byteCount: layout.weightBytes, others: .read)
        self.sockets = try DescriptorSet()
        if let name {
            let made = try LocalListener(name: name)
            try sockets.add(made.descriptor)
            self.listener = consume made
        } else {
            self.listener = nil
        }
    }

    deinit {
        buffer.deallocate()
    }

    /// Becomes readable when a socket has an event.
    var descriptor: Int32 { sockets.descriptor }

    /// A version of the weights: 0 or 1; 2 or 3 in rounded form.
    func weights(_ version: Int) -> FloatBuffer {
        FloatBuffer(memory: layout.floats(at: version, in: weights.bytes), owner: weights)
    }

    /// Tells all workers whether this process sleeps.
    func setAsleep(_ isAsleep: Bool) {
        guard hasMailboxes, let page = RegionLayout.page(of: weights.bytes) else { return }
        Mailbox.setAsleep(isAsleep, in: page)
    }

    /// Adds the socket of a worker that this process has started. The channel has a descriptor of its own, because the process may
    /// be forgotten before the end of its socket is noticed.
    func watch(_ socket: ParentChildSocket) throws(SystemError) {
        try add(Channel(FileDescriptor(duplicating: socket.descriptor)))
    }

    private func add(_ channel: Channel) throws(SystemError) {
        try sockets.add(channel.descriptor)
        channels[channel.descriptor] = channel
    }

    /// Accepts connections and calls `handle` with each event on a socket. Does not wait.
    func process(_ handle: (Event) throws -> Void) throws {
        try sockets.forEachReady { descriptor in
            if let channel = channels[descriptor] {
                try receive(from: channel, handle)
            } else {
                try acceptConnections()
            }
        }
    }

    private func acceptConnections() throws(SystemError) {
        // The value of a noncopyable optional can be borrowed only in a switch.
        switch listener {
        case .some(let listener):
            while let connection = listener.accept() {
                guard channels.count < Self.maximumChannels else { continue }
                try add(Channel(connection))
            }
        case nil: break
        }
    }

    /// Reads what has arrived. Malformed messages are ignored, as are those that only wake this process; files that arrive with
    /// a message are closed.
    private func receive(from channel: Channel, _ handle: (Event) throws -> Void) throws {
        switch LocalSocket.receive(into: buffer, from: channel.descriptor) {
        case .nothing: return
        case .ended:
            sockets.remove(channel.descriptor)
            channels[channel.descriptor] = nil
            if let member = channel.member { try handle(.ended(member)) }
        case .received(let count, _):
            for start in stride(from: 0, to: count, by: RegionMessage.size) {
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<min(count, start + RegionMessage.size)])
                if let message = try? RegionMessage(decoding: bytes), message.kind == .claim, message.run == run {
                    try handle(.claimed(MemberID(rawValue: message.member), channel))
                }
            }
        }
    }

    /// Makes a member's region and sends it to the worker, together with the regions of the weights and the data set.
    ///
    /// - Throws: `SystemError` if memory cannot be allocated or the worker has ended.
    func grant(_ member: MemberID, on channel: Channel) throws(SystemError) -> MemberRegion {
        let region = try MemberRegion(member: member, layout: layout, hasMailbox: hasMailboxes) { [run] in
            RegionMessage.wake(run: run, member: member.rawValue, over: channel.descriptor)
        }
        let offer = RegionMessage(.offer, run: run, member: member.rawValue, slots: UInt32(layout.slots))
        let files = [weights.descriptor, region.descriptor, data.descriptor, region.taskDescriptor]
        try offer.send(over: channel.descriptor, files: files.compactMap(\.self))
        channel.member = member
        return region
    }

    /// Tells a worker that it gets no shared memory.
    func refuse(_ member: MemberID, on channel: Channel) {
        try? RegionMessage(.refusal, run: run, member: member.rawValue).send(over: channel.descriptor)
    }
}

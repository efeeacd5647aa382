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
        let descriptor: Int32
        /// The socket, if this object owns and closes it; otherwise nil.
        private let file: FileDescriptor?
        /// The member that last got regions over this socket.
        fileprivate(set) var member: MemberID?

        fileprivate init(descriptor: Int32) {
            self.descriptor = descriptor
            self.file = nil
        }

        fileprivate init(_ file: consuming FileDescriptor) {
            self.descriptor = file.number
            self.file = consume file
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
    private let record = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * RegionMessage.size, alignment: 8)

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
        record.deallocate()
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

    /// Adds the socket of a worker that this process has started.
    func watch(_ socket: ParentChildSocket) throws(SystemError) {
        channels[socket.descriptor] = Channel(descriptor: socket.descriptor)
        try sockets.add(socket.descriptor)
    }

    /// Accepts connections and calls `handle` with each event on a socket. Does not wait.
    func process(_ handle: (Event) throws -> Void) throws {
        for descriptor in sockets.ready() {
            if let channel = channels[descriptor] {
                if let event = receive(from: channel) { try handle(event) }
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
                let channel = Channel(connection)
                try sockets.add(channel.descriptor)
                channels[channel.descriptor] = channel
            }
        case nil: break
        }
    }

    /// Reads one record. Malformed records are ignored; files that arrive with them are closed.
    private func receive(from channel: Channel) -> Event? {
        switch LocalSocket.receive(into: record, from: channel.descriptor) {
        case .nothing:
            return nil
        case .ended:
            sockets.remove(channel.descriptor)
            channels[channel.descriptor] = nil
            return channel.member.map { .ended($0) }
        case .received(let count, _):
            let bytes = UnsafeRawBufferPointer(rebasing: record[..<count])
            guard let message = try? RegionMessage(decoding: bytes), message.kind == .claim, message.run == run else {
                return nil
            }
            return .claimed(MemberID(rawValue: message.member), channel)
        }
    }

    /// Makes a member's region and sends it to the worker, together with the regions of the weights and the data set.
    ///
    /// - Throws: `SystemError` if memory cannot be allocated or the worker has ended.
    func grant(_ member: MemberID, on channel: Channel) throws(SystemError) -> MemberRegion {
        let region = try MemberRegion(member: member, layout: layout, hasMailbox: hasMailboxes)
        let offer = RegionMessage(.offer, run: run, member: member.rawValue, slots: UInt32(layout.slots))
        let files = [weights.descriptor, region.descriptor, data.descriptor, region.taskDescriptor]
        try send(offer, files: files.compactMap(\.self), on: channel)
        channel.member = member
        return region
    }

    /// Tells a worker that it gets no shared memory.
    func refuse(_ member: MemberID, on channel: Channel) {
        try? send(RegionMessage(.refusal, run: run, member: member.rawValue), on: channel)
    }

    private func send(_ message: RegionMessage, files: [Int32] = [], on channel: Channel) throws(SystemError) {
        message.encode(into: record)
        let bytes = UnsafeRawBufferPointer(rebasing: record[..<RegionMessage.size])
        try LocalSocket.send(bytes, files: files, over: channel.descriptor)
    }
}

import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSystem
import LockstepTraining

/// The coordinator's side of shared memory: it makes the regions and gives them to the workers of this host.
///
/// A worker asks over a unix socket: one that this process started over its standard input, others over a connection to
/// an abstract name that the welcome tells. The end of such a socket is the worker's.
final class RegionServer {
    /// A worker's socket.
    final class Channel {
        let descriptor: Int32
        /// Present where the socket is ours to close.
        private let file: FileDescriptor?
        /// Who asked over it last.
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

    /// What a socket had to say.
    enum Event {
        /// A worker says that it is this member and asks for regions.
        case claimed(MemberID, Channel)
        /// The process of this member has gone.
        case ended(MemberID)
    }

    /// Sockets that are looked after at a time: more than a run has workers.
    private static let mostChannels = 4_096

    let layout: RegionLayout
    let run: UInt32
    /// What the welcome tells.
    let address: Welcome.Regions
    private let weights: SharedRegion
    private let data: SharedRegion
    private let listener: LocalListener?
    private let sockets: DescriptorSet
    private var channels: [Int32: Channel] = [:]
    private let record = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * RegionMessage.size, alignment: 8)

    /// - Parameters:
    ///   - layout: Sizes.
    ///   - data: The data set's bytes.
    ///   - run: The run's number.
    ///   - name: What workers that others start connect to; nil if there are only our own.
    /// - Throws: `SystemError` where there is no memory or the name is taken.
    init(layout: RegionLayout, data: SharedRegion, run: UInt32, name: String?) throws(SystemError) {
        self.layout = layout
        self.run = run
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

    /// Readable when a socket has something to say.
    var descriptor: Int32 { sockets.descriptor }

    /// One version of the weights, 0 or 1, or of the rounded ones, 2 or 3.
    func weights(_ version: Int) -> FloatBuffer {
        FloatBuffer(memory: layout.floats(at: version, in: weights.bytes), owner: weights)
    }

    /// Listens to a worker that this process has started.
    func watch(_ socket: ParentChildSocket) throws(SystemError) {
        channels[socket.descriptor] = Channel(descriptor: socket.descriptor)
        try sockets.add(socket.descriptor)
    }

    /// Takes in what the sockets have to say. Does not wait.
    func process(_ take: (Event) throws -> Void) throws {
        for descriptor in sockets.ready() {
            if let channel = channels[descriptor] {
                if let event = receive(from: channel) { try take(event) }
            } else {
                try acceptConnections()
            }
        }
    }

    private func acceptConnections() throws(SystemError) {
        // A noncopyable optional lends its value in a switch alone.
        switch listener {
        case .some(let listener):
            while let connection = listener.accept() {
                guard channels.count < Self.mostChannels else { continue }
                let channel = Channel(connection)
                try sockets.add(channel.descriptor)
                channels[channel.descriptor] = channel
            }
        case nil: break
        }
    }

    /// Reads one record. What is none means nothing, and open files that come along are closed.
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

    /// Makes a member's region and sends it there, together with those of weights and data set.
    ///
    /// - Throws: `SystemError` where there is no memory, or the worker has gone.
    func grant(_ member: MemberID, on channel: Channel) throws(SystemError) -> MemberRegion {
        let region = try MemberRegion(member: member, layout: layout)
        let offer = RegionMessage(.offer, run: run, member: member.rawValue, slots: UInt32(layout.slots))
        try send(offer, files: [weights.descriptor, region.descriptor, data.descriptor], on: channel)
        channel.member = member
        return region
    }

    /// Tells a worker to do without.
    func refuse(_ member: MemberID, on channel: Channel) {
        try? send(RegionMessage(.refusal, run: run, member: member.rawValue), on: channel)
    }

    private func send(_ message: RegionMessage, files: [Int32] = [], on channel: Channel) throws(SystemError) {
        message.encode(into: record)
        let bytes = UnsafeRawBufferPointer(rebasing: record[..<RegionMessage.size])
        try LocalSocket.send(bytes, files: files, over: channel.descriptor)
    }
}

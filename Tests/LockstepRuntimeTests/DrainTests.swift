import Glibc
import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// Which peers the end of a run waits for.
@Suite("Draining", .serialized)
struct DrainTests {
    /// Blocks of 1 MiB for each peer: far more than the kernel buffers for a peer that does not read.
    private static let blocks = DeferredMessages.maximumOfPeer

    /// Far longer than a test may take: code that waits for one of these deadlines waits forever.
    private var deadlines: Deadlines {
        var deadlines = Deadlines()
        (deadlines.drain, deadlines.heartbeatInterval, deadlines.heartbeatTimeout) = (3_600, 3_600, 3_600)
        return deadlines
    }

    @Test("The end waits for a member that reads late, but not for a stranger that sends requests and never reads")
    func strangers() throws {
        let block = FloatBuffer(count: ChunkLayout.maximumElements)
        let bytes = UnsafeRawBufferPointer(block.buffer)
        let (context, others) = (try Context(), try Context())
        let link = try CoordinatorLink(
            context: context, ioThreads: 1, binding: [.tcp(host: "127.0.0.1", port: 0)], keys: nil,
            limits: ConnectionLimits(gradientBytes: 1 << 20), deadlines: deadlines)
        let endpoint = try #require(link.endpoints.first)
        let member = try others.socket(.dealer)
        try member.set(.receiveTimeout, 30_000)
        try member.set(.receiveHighWaterMark, 1)
        try member.connect(endpoint)
        try send(Header(kind: .hello), Hello(programVersion: "1", host: "h", processID: 1).encoded(), over: member)
        let stranger = try RawPeer(at: endpoint)
        try stranger.sendPings(Self.blocks, ofBytes: bytes.count)

        var pongs = 0
        var memberPeer: PeerID?
        let deadline = Deadline.after(.seconds(60))
        while pongs < Self.blocks || memberPeer == nil {
            try #require(!deadline.hasPassed(at: Instant.now), "\(pongs) requests of a stranger have arrived")
            switch try link.receive() {
            case .message(let peer, let header, _) where header.kind == .ping:
                try link.post(to: peer, Header(kind: .pong, step: header.step), borrowing: bytes)
                pongs += 1
            case .message(let peer, _, _):
                try link.send(to: peer, Header(kind: .welcome), copying: [1])
                memberPeer = peer
            default:
                usleep(1_000)
            }
            try link.flush()
        }
        let peer = try #require(memberPeer)
        for _ in 0..<Self.blocks { try link.post(to: peer, Header(kind: .parameters), borrowing: bytes) }
        try link.send(
            to: peer, Header(kind: .goodbye), copying: Goodbye(code: .finished, message: "the end").encoded())

        let received = Locked<[MessageKind]>([])
        let box = SocketBox(member)
        let reader = try LockstepSystem.Thread(name: "member") {
            guard let member = box.remove() else { return }
            let found = (try? kinds(receivedBy: member)) ?? []
            received.withLock { $0 = found }
        }
        // The deadlines are an hour away: the link closes because the member disconnects once it has read everything.
        link.close()
        reader.join()
        #expect(
            received.withLock { $0 } == [.welcome] + Array(repeating: .parameters, count: Self.blocks) + [.goodbye])
        try context.terminate()
        withExtendedLifetime((stranger, block)) {}
        try others.terminate()
    }

    private func send(_ header: Header, _ payload: [UInt8], over socket: borrowing Socket) throws {
        let frame = header.encoded(payload: payload)
        _ = try frame.withUnsafeBytes { try socket.send(copying: $0, more: true) }
        _ = try payload.withUnsafeBytes { try socket.send(copying: $0) }
    }

    /// The kinds of the messages that arrive, up to a goodbye.
    private func kinds(receivedBy socket: borrowing Socket) throws -> [MessageKind] {
        var message = Message()
        var kinds: [MessageKind] = []
        while kinds.last != .goodbye {
            guard try socket.receive(into: &message) == .received else { return kinds }
            if let header = try? message.withUnsafeBytes({ try Header(decoding: $0) }) { kinds.append(header.kind) }
        }
        return kinds
    }
}

/// Passes a noncopyable socket to another thread.
private final class SocketBox: @unchecked Sendable {
    private var socket: Socket?

    init(_ socket: consuming Socket) { self.socket = consume socket }

    func remove() -> Socket? { socket.take() }
}

import Glibc
import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// For whom the end of a run waits.
@Suite("Farewell", .serialized)
struct FarewellTests {
    /// Blocks of 1 MiB for each peer: far more than the kernel takes for one that does not read.
    private static let blocks = 64

    /// Far beyond a test's patience: what waits for one of these waits for ever.
    private var deadlines: Deadlines {
        var deadlines = Deadlines()
        (deadlines.farewell, deadlines.heartbeatInterval, deadlines.heartbeatTimeout) = (600, 600, 600)
        return deadlines
    }

    @Test("The end waits for a member that reads late, and not for a stranger that asks and never reads")
    func strangers() throws {
        let block = FloatBuffer(count: ChunkLayout.maximumElements)
        let bytes = UnsafeRawBufferPointer(block.buffer)
        let (context, others) = (try Context(), try Context())
        let link = try CoordinatorLink(
            context: context, ioThreads: 1, binding: [.tcp(host: "127.0.0.1", port: 0)], keys: nil,
            deadlines: deadlines)
        let endpoint = try #require(link.endpoints.first)
        let member = try others.socket(.dealer)
        try member.set(.receiveTimeout, 30_000)
        try member.set(.receiveHighWaterMark, 1)
        try member.connect(endpoint)
        try say(Header(kind: .hello), Hello(programVersion: "1", host: "h", processID: 1).encoded(), over: member)
        let stranger = try DeafStranger(at: endpoint)
        try stranger.ask(Self.blocks, ofBytes: bytes.count)

        var pongs = 0
        var guest: PeerID?
        let deadline = Deadline.after(.seconds(60))
        while pongs < Self.blocks || guest == nil {
            try #require(!deadline.hasPassed(at: MonotonicClock.now), "\(pongs) questions of a stranger have come")
            switch try link.receive() {
            case .message(let peer, let header, _) where header.kind == .ping:
                try link.post(to: peer, Header(kind: .pong, step: header.step), borrowing: bytes)
                pongs += 1
            case .message(let peer, _, _):
                try link.send(to: peer, Header(kind: .welcome), copying: [1])
                guest = peer
            default:
                usleep(1_000)
            }
            try link.flush()
        }
        let peer = try #require(guest)
        for _ in 0..<Self.blocks { try link.post(to: peer, Header(kind: .parameters), borrowing: bytes) }
        try link.send(
            to: peer, Header(kind: .goodbye), copying: Goodbye(code: .finished, message: "the end").encoded())
        link.close()

        let hasEnded = Guarded(false)
        let end = try LockstepSystem.Thread(name: "end") {
            try? context.terminate()
            hasEnded.withLock { $0 = true }
        }
        #expect(
            try kindsHeard(by: member) == [.welcome] + Array(repeating: .parameters, count: Self.blocks) + [.goodbye])
        let patience = Deadline.after(.seconds(60))
        while !hasEnded.withLock({ $0 }), !patience.hasPassed(at: MonotonicClock.now) { usleep(1_000) }
        try #require(hasEnded.withLock { $0 }, "the end waits for a stranger")
        end.join()
        withExtendedLifetime((stranger, block)) {}
        member.close(linger: 0)
        try others.terminate()
    }

    private func say(_ header: Header, _ payload: [UInt8], over socket: borrowing Socket) throws {
        var frame = [UInt8](repeating: 0, count: Header.size)
        frame.withUnsafeMutableBytes { header.encode(into: $0) }
        _ = try frame.withUnsafeBytes { try socket.send(copying: $0, more: true) }
        _ = try payload.withUnsafeBytes { try socket.send(copying: $0) }
    }

    /// What comes, up to a goodbye.
    private func kindsHeard(by socket: borrowing Socket) throws -> [MessageKind] {
        var message = Message()
        var kinds: [MessageKind] = []
        while kinds.last != .goodbye {
            guard try socket.receive(into: &message) == .received else { return kinds }
            if let header = try? message.withUnsafeBytes({ try Header(decoding: $0) }) { kinds.append(header.kind) }
        }
        return kinds
    }
}

/// A connection that speaks ZMTP 3.0 by hand (rfc.zeromq.org/spec/23), and reads nothing after its handshake.
private final class DeafStranger {
    private let descriptor: Int32

    init(at endpoint: Endpoint) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        if case .tcp(_, let port) = endpoint { address.sin_port = in_port_t(UInt16(port)).bigEndian }
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
        let greeting: [UInt8] = [0xFF] + Array(repeating: 0, count: 8) + [0x7F, 3, 0]
        let mechanism = Array("NULL".utf8) + Array(repeating: 0, count: 16)
        let ready = [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
        try say(greeting + mechanism + Array(repeating: 0, count: 32) + [4, UInt8(ready.count)] + ready)
        // Whoever speaks before the other side's greeting and READY have come breaks the protocol.
        try hear(64)
        try hear(Int(hear(2)[1]))
    }

    deinit { close(descriptor) }

    /// Asks so many times for so many bytes.
    func ask(_ times: Int, ofBytes count: Int) throws {
        var header = [UInt8](repeating: 0, count: Header.size)
        header.withUnsafeMutableBytes { Header(kind: .ping, step: 1, offset: UInt32(count)).encode(into: $0) }
        for _ in 0..<times { try say([1, UInt8(header.count)] + header + [0, 1, 0]) }
    }

    @discardableResult
    private func hear(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try #require(recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count)
        return bytes
    }

    private func say(_ bytes: [UInt8]) throws {
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    }
}

import Glibc
import LockstepProtocol
import Testing
import ZeroMQ

/// A connection that speaks ZMTP 3.0 by hand (rfc.zeromq.org/spec/23), and reads nothing after its handshake unless it is asked to.
final class RawPeer {
    private let descriptor: Int32

    /// - Parameters:
    ///   - endpoint: A TCP endpoint on 127.0.0.1.
    ///   - identity: The name that it gives itself; empty: none.
    /// - Throws: If the connection is not made or ends during its handshake.
    init(at endpoint: Endpoint, identity: [UInt8] = []) throws {
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
        let ready =
            [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
            + [8] + Array("Identity".utf8) + [0, 0, 0, UInt8(identity.count)] + identity
        try say(greeting + mechanism + Array(repeating: 0, count: 32) + [4, UInt8(ready.count)] + ready)
        // Whoever speaks before the other side's greeting and READY have come breaks the protocol.
        try hear(64)
        try hear(Int(hear(2)[1]))
    }

    deinit { close(descriptor) }

    /// Sends parts of a message that does not end, without content, as far as the other end lets it.
    ///
    /// - Parameter count: Bytes, an even number: each part takes two.
    func leaveUnfinished(_ count: Int) {
        let parts = (0..<count / 2).flatMap { _ in [1, 0] as [UInt8] }
        _ = send(descriptor, parts, parts.count, Int32(MSG_NOSIGNAL))
    }

    /// Whether the other end has hung up. What it has sent before, such as heartbeats, is read and dropped.
    var isCut: Bool {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 { return true }
            if count < 0 { return errno != EAGAIN && errno != EINTR }
        }
    }

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

    func say(_ bytes: [UInt8]) throws {
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    }
}

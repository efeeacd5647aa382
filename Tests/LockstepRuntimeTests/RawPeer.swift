import Glibc
import LockstepProtocol
import Testing
import ZeroMQ

/// A connection that implements ZMTP 3.0 itself (rfc.zeromq.org/spec/23). After its handshake it reads only on request.
final class RawPeer {
    private let descriptor: Int32

    /// - Parameters:
    ///   - endpoint: A TCP endpoint on 127.0.0.1.
    ///   - identity: The routing ID that it sends; empty: none.
    /// - Throws: An error if it cannot connect or the connection ends during the handshake.
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
        try sendBytes(greeting + mechanism + Array(repeating: 0, count: 32) + [4, UInt8(ready.count)] + ready)
        // A peer that sends messages before the other side's greeting and READY have arrived breaks the protocol.
        try receiveBytes(64)
        try receiveBytes(Int(receiveBytes(2)[1]))
    }

    deinit { close(descriptor) }

    /// Sends empty parts of a message that does not end, as far as the other end reads them.
    ///
    /// - Parameter count: The number of bytes, an even number: each part has two.
    func leaveUnfinished(_ count: Int) {
        let parts = (0..<count / 2).flatMap { _ in [1, 0] as [UInt8] }
        _ = send(descriptor, parts, parts.count, Int32(MSG_NOSIGNAL))
    }

    /// Whether the other end has closed the connection. Reads and drops everything that it has sent before, such as
    /// heartbeats.
    var isCut: Bool {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count == 0 { return true }
            if count < 0 { return errno != EAGAIN && errno != EINTR }
        }
    }

    /// Sends ping requests for answers of this size.
    func sendPings(_ times: Int, ofBytes count: Int) throws {
        let header = Header(kind: .ping, step: 1, offset: UInt32(count)).encoded(payload: [0])
        for _ in 0..<times { try sendBytes([1, UInt8(header.count)] + header + [0, 1, 0]) }
    }

    @discardableResult
    private func receiveBytes(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try #require(recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count)
        return bytes
    }

    func sendBytes(_ bytes: [UInt8]) throws {
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    }
}

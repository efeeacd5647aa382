import Glibc
import LockstepProtocol
import LockstepTesting
import Testing

@testable import LockstepRuntime

@Suite("The rate of a connection")
struct TrafficTests {
    @Test("A frame takes half a second at most, and grows only as bytes arrive")
    func frameLimit() {
        func limit(_ acknowledged: UInt64, in seconds: Double) -> Int {
            Traffic(received: 0, acknowledged: acknowledged, busySeconds: seconds).frameLimit
        }
        #expect(limit(0, in: 0) == 4 << 10)
        #expect(limit(1_000, in: 0.000_001) == 4 << 10)
        #expect(limit(262_144, in: 0.001) == 16 << 10, "a first burst says little")
        #expect(limit(10_000_000, in: 312) == 12 << 10, "256 kbit/s")
        #expect(limit(10_000_000, in: 80) == 60 << 10, "1 Mbit/s")
        #expect(limit(20_000_000, in: 0.1) == MessageKind.payloadLimit)
        #expect(limit(.max, in: 0) == MessageKind.payloadLimit)
        #expect(limit(.max, in: 1e300) == 4 << 10)
    }

    @Test("The kernel counts what comes and goes over TCP, and nothing over a unix socket")
    func counters() throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(Connection(ends[0], isTCP: true).traffic == nil && Connection(ends[0], isTCP: false).traffic == nil)
        #expect(Connection(ends[0], isTCP: false).frameLimit == MessageKind.payloadLimit)
        let (near, far) = try loopbackPair()
        defer { for end in [near, far] { close(end) } }
        let connection = Connection(near, isTCP: true)
        var bytes = [UInt8](repeating: 1, count: 200_000)
        var received = 0
        #expect(write(near, &bytes, 100_000) > 0)
        while received < 50_000 { received += read(far, &bytes, bytes.count) }
        #expect(write(far, &bytes, 300) == 300)
        #expect(read(near, &bytes, bytes.count) == 300)
        let traffic = try #require(connection.traffic)
        #expect(traffic.received == 300 && traffic.acknowledged >= 50_000)
        #expect(connection.frameLimit < 16 << 10)
    }

    /// Two ends of a TCP connection.
    private func loopbackPair() throws -> (Int32, Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try #require(bind(listener, generic, size) == 0 && listen(listener, 1) == 0)
                try #require(getsockname(listener, generic, &size) == 0)
                let near = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                try #require(connect(near, generic, size) == 0)
                return (near, accept(listener, nil, nil))
            }
        }
    }
}

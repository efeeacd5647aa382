import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// A program that is no coordinator and has its port for a moment.
@Suite("Another program on the port", .serialized)
struct OtherProgramTests {
    /// Listens at a port and answers each connection as another program would.
    private final class Server {
        enum Kind {
            case web
            /// A ZeroMQ socket to which no worker can be connected: after this answer libzmq never reconnects by itself.
            case publisher
        }

        private let listener: Int32

        init(port: UInt16) throws {
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var on: Int32 = 1
            setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(status == 0 && listen(listener, 4) == 0)
        }

        deinit { close(listener) }

        /// Waits for a connection, answers it and ends it.
        func answer(as kind: Kind) {
            let connection = accept(listener, nil, nil)
            defer { close(connection) }
            var bytes = [UInt8](repeating: 0, count: 256)
            switch kind {
            case .web:
                let text = Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8)
                _ = write(connection, text, text.count)
                _ = read(connection, &bytes, bytes.count)
            case .publisher:
                // ZMTP 3.0: the greeting, and after the worker's own the command READY with the kind of socket.
                let greeting = [0xFF] + Array(repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8)
                let ready =
                    [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 3] + Array("PUB".utf8)
                let rest: [UInt8] = Array(repeating: 0, count: 64 - greeting.count) + [4, UInt8(ready.count)] + ready
                _ = write(connection, greeting, greeting.count)
                _ = recv(connection, &bytes, 64, Int32(MSG_WAITALL))
                _ = write(connection, rest, rest.count)
                // The worker hangs up.
                while read(connection, &bytes, bytes.count) > 0 {}
            }
        }
    }

    @Test("A worker joins the coordinator that comes back, or comes late, after other answers on its port")
    func comesBack() throws {
        let place = try Workplace(epochs: 400)
        let options = ["tiny.yaml", "--workers", "1", "--shards", "1", "--kernel", "portable", "--transport", "inline"]
        let first = try RunningProcess(
            ["coordinator", "--bind", "tcp://127.0.0.1:0", "--output", "first"] + options, in: place.folder.path)
        let port = try #require(try first.listeningEndpoint().split(separator: ":").last.flatMap { UInt16($0) })
        let worker = try RunningProcess(
            ["worker", "--connect", "tcp://127.0.0.1:\(port)"], environment: ["LOCKSTEP_FAULT": "slow=4"],
            in: place.folder.path)
        try first.waitForLine(containing: "joined")
        first.send(signal: SIGKILL)
        try first.wait()
        do {
            let server = try Server(port: port)
            for kind in [Server.Kind.web, .web, .publisher] { server.answer(as: kind) }
        }
        let second = try RunningProcess(
            ["coordinator", "--bind", "tcp://127.0.0.1:\(port)", "--output", "second", "--epochs", "1"] + options,
            in: place.folder.path)
        let ending = try second.wait()
        #expect(ending.status == 0, "\(ending) \(worker.errors)")
        #expect(try worker.wait().status == 0)
    }
}

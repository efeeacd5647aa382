import Glibc
import LockstepTesting
import Testing

@testable import LockstepChaos

/// A worker's end and the coordinator's end of a lane.
@Suite("The relay between workers and coordinator", .serialized)
struct RelayTests {
    /// A coordinator's socket, and a relay before it.
    private final class Network {
        let folder: TemporaryFolder
        let relay: Relay
        let listener: Int32
        private var open: [Int32] = []

        init() throws {
            folder = try TemporaryFolder()
            listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            relay = try Relay(folder: folder.path, coordinator: folder("coordinator"))
            try #require(call(folder("coordinator")) { bind(listener, $0, $1) } == 0 && listen(listener, 4) == 0)
        }

        deinit {
            relay.end()
            for file in open + [listener] { close(file) }
        }

        /// Connects through a lane; both ends.
        func connect(lane: Int) throws -> (worker: Int32, coordinator: Int32) {
            let path = try relay.open(lane: lane)
            let worker = try connect(to: path)
            return (worker, try accept())
        }

        func connect(to path: String) throws -> Int32 {
            let worker = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            open.append(worker)
            try #require(call(path) { Glibc.connect(worker, $0, $1) } == 0)
            return worker
        }

        func accept() throws -> Int32 {
            try #require(isReadable(listener))
            let coordinator = Glibc.accept(listener, nil, nil)
            open.append(coordinator)
            return coordinator
        }

        private func call(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }

    @Test("Bytes pass in both directions")
    func passes() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        #expect(send(worker, "up", 2, 0) == 2 && received(coordinator) == "up")
        #expect(send(coordinator, "down", 4, 0) == 4 && received(worker) == "down")
    }

    @Test("A held lane passes nothing and closes nothing; then everything arrives")
    func holds() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        let (other, otherCoordinator) = try network.connect(lane: 1)
        network.relay.hold(lane: 0, true)
        // Commands are handled in their order: what a later connection brings has passed the holding.
        _ = try network.connect(lane: 2)
        #expect(send(worker, "late", 4, 0) == 4 && send(other, "now", 3, 0) == 3)
        #expect(received(otherCoordinator) == "now")
        #expect(!isReadable(coordinator, milliseconds: 50))
        network.relay.hold(lane: 0, false)
        #expect(received(coordinator) == "late")
    }

    @Test("Cutting a lane closes its connections; the worker can connect again")
    func cuts() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        network.relay.cut(lane: 0)
        #expect(received(worker) == "" && received(coordinator) == "")
        let again = try network.connect(to: network.folder("lane-0"))
        let accepted = try network.accept()
        #expect(send(again, "back", 4, 0) == 4 && received(accepted) == "back")
    }

    @Test("The end of one side is passed on to the other, after its last bytes")
    func ends() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        #expect(send(coordinator, "bye", 3, 0) == 3 && shutdown(coordinator, Int32(SHUT_WR)) == 0)
        #expect(received(worker) == "bye" && received(worker) == "")
    }
}

private func isReadable(_ file: Int32, milliseconds: Int32 = 10_000) -> Bool {
    var item = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
    return poll(&item, 1, milliseconds) == 1
}

/// What arrives next; "" for the connection's end, nil for nothing within ten seconds.
private func received(_ file: Int32) -> String? {
    guard isReadable(file) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = recv(file, &bytes, bytes.count, 0)
    return count >= 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
}

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

    @Test("One direction of a lane can be held; the other passes on")
    func holdsOneWay() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        network.relay.hold(lane: 0, .up)
        _ = try network.connect(lane: 1)
        #expect(send(worker, "late", 4, 0) == 4 && send(coordinator, "down", 4, 0) == 4)
        #expect(received(worker) == "down")
        #expect(!isReadable(coordinator, milliseconds: 50))
        network.relay.hold(lane: 0, false)
        #expect(received(coordinator) == "late")
    }

    @Test("The next bytes of a direction are damaged, those after them are not")
    func damages() throws {
        let network = try Network()
        let (worker, coordinator) = try network.connect(lane: 0)
        #expect(send(worker, "earlier", 7, 0) == 7 && received(coordinator) == "earlier")
        network.relay.damage(lane: 0, RelayDamage(kind: .replay, way: .up, place: 0))
        _ = try network.connect(lane: 1)
        #expect(send(coordinator, "down", 4, 0) == 4 && received(worker) == "down")
        #expect(send(worker, "now", 3, 0) == 3 && received(coordinator) == "nowearlier")
        #expect(send(worker, "then", 4, 0) == 4 && received(coordinator) == "then")
        network.relay.damage(lane: 0, RelayDamage(kind: .truncate, way: .down, place: 2))
        _ = try network.connect(lane: 2)
        #expect(send(coordinator, "last", 4, 0) == 4 && received(worker) == "la" && received(worker) == "")
    }

    @Test(
        "Each kind of damage changes bytes in its way",
        arguments: [
            (.flip, "abad", false), (.truncate, "a", true), (.duplicate, "abcdabcd", false), (.replay, "abcdxy", false),
            (.reorder, "bcda", false),
        ] as [(RelayDamage.Kind, String, Bool)])
    func damage(kind: RelayDamage.Kind, expected: String, ends: Bool) {
        let bytes = [0] + Array("abcd".utf8) + [0]
        // The flipped bit is 17 of 32: the second of the third byte. Bytes are cut after 17 modulo 4.
        let damage = RelayDamage(kind: kind, way: .up, place: 17)
        let result = damage.apply(to: bytes[1...4], after: Array("xy".utf8))
        #expect(String(decoding: result.bytes, as: UTF8.self) == expected && result.endsConnection == ends)
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

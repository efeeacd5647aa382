import Glibc
import LockstepSystem
import LockstepTesting
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("Where a worker looks for its coordinator")
struct CoordinatorAddressesTests {
    private func endpoints(_ text: String, ssh: String? = nil) throws -> [String] {
        try CoordinatorAddresses(text, sshConnection: ssh).endpoints.map(\.description)
    }

    @Test("A list is separated by commas; a path may contain commas")
    func list() throws {
        #expect(
            try endpoints("tcp://a:1,tcp://[::1]:2,ipc:///tmp/x,y,tcp://a:1")
                == ["tcp://a:1", "tcp://[::1]:2", "ipc:///tmp/x,y"])
        #expect(try CoordinatorAddresses("tcp://a:1", sshConnection: nil).single == .tcp(host: "a", port: 1))
        #expect(try CoordinatorAddresses("tcp://a:1,tcp://b:1", sshConnection: nil).single == nil)
    }

    @Test("@ssh is the first word of SSH_CONNECTION")
    func ssh() throws {
        #expect(try endpoints("tcp://@ssh:7", ssh: "10.0.0.5 50000 10.0.0.6 22") == ["tcp://10.0.0.5:7"])
        #expect(try endpoints("tcp://@ssh:7", ssh: "fd00::5 50000 fd00::6 22") == ["tcp://[fd00::5]:7"])
        let error = #expect(throws: ZeroMQError.self) { try endpoints("tcp://@ssh:7") }
        #expect(error?.description.contains("SSH_CONNECTION") == true)
    }

    @Test(
        "What is no endpoint is refused",
        arguments: ["", "a:1", "tcp://a:1,", "file:", "tcp://@ssh:x", "tcp://a:1,b:2"])
    func refused(text: String) {
        #expect(throws: ZeroMQError.self) { try endpoints(text, ssh: "1.2.3.4 5 6.7.8.9 22") }
    }

    @Test("A file's endpoints are those that it holds at the time, and only this user can read it")
    func file() throws {
        let folder = try TemporaryFolder()
        let path = folder("endpoint")
        let addresses = try CoordinatorAddresses("file:\(path),tcp://b:2", sshConnection: nil)
        #expect(addresses.endpoints.map(\.description) == ["tcp://b:2"])
        #expect(addresses.reasonsOfNoEndpoints == ["there is no file \(path) yet"])
        // What a killed coordinator has left, with permissions that are too wide.
        try folder.write(text: "tcp://old:1\n", to: "endpoint")
        chmod(path, 0o666)
        try EndpointFile.write([.tcp(host: "a", port: 1), .ipc(path: "/tmp/s")], to: path)
        #expect(addresses.endpoints.map(\.description) == ["tcp://a:1", "ipc:///tmp/s", "tcp://b:2"])
        #expect(addresses.reasonsOfNoEndpoints.isEmpty)
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(
        "A file that is not whole, or is something else, holds no endpoint",
        arguments: ["tcp://a:1", "hello\n", "\n\u{0}\n"])
    func damaged(text: String) throws {
        let folder = try TemporaryFolder()
        #expect(EndpointFile.endpoints(at: try folder.write(text: text, to: "endpoint")).isEmpty)
    }
}

@Suite("What a coordinator tells workers")
struct AdvertisedEndpointsTests {
    private let addresses = ["10.0.0.5", "192.0.2.1", "fd00::5"]

    private func list(_ bound: Endpoint..., host: String? = nil, addresses: [String]? = nil) -> [String] {
        AdvertisedEndpoints.list(bound, advertising: host, addresses: addresses ?? self.addresses).map(\.description)
    }

    @Test("A coordinator that listens everywhere has an endpoint for each address")
    func everywhere() {
        #expect(
            list(.tcp(host: "::", port: 7)) == ["tcp://10.0.0.5:7", "tcp://192.0.2.1:7", "tcp://[fd00::5]:7"])
        #expect(list(.tcp(host: "0.0.0.0", port: 7)) == ["tcp://10.0.0.5:7", "tcp://192.0.2.1:7"])
        #expect(list(.tcp(host: "0.0.0.0", port: 7), addresses: []) == ["tcp://127.0.0.1:7"])
    }

    @Test("One that listens at an address has that; --advertise replaces all but loopback")
    func single() {
        let (local, own) = (Endpoint.tcp(host: "127.0.0.1", port: 7), Endpoint.tcp(host: "10.0.0.5", port: 8))
        #expect(list(local, own) == ["tcp://127.0.0.1:7", "tcp://10.0.0.5:8"])
        #expect(list(local, own, .ipc(path: "/s"), host: "me") == ["tcp://127.0.0.1:7", "tcp://me:8", "ipc:///s"])
    }
}

@Suite("The line with a worker's keys")
struct WorkerKeyLineTests {
    @Test("is read back as it was written")
    func roundTrip() throws {
        let (server, pair) = (try CurveKeyPair.make().publicKey, try CurveKeyPair.make())
        let line = WorkerKeyLine.text(.client(pair, server: server))
        #expect(line.hasPrefix("lockstep-keys ") && line.hasSuffix("\n") && line.utf8.count == 137)
        guard case .client(let read, let readServer) = try WorkerKeyLine.security(of: Array(line.utf8).dropLast())
        else {
            Issue.record("no keys")
            return
        }
        #expect(readServer == server && read.publicKey == pair.publicKey)
        #expect(read.secretKey.exportText() == pair.secretKey.exportText())
        #expect(try WorkerKeyLine.security(of: Array("lockstep-keys none".utf8))?.hasKeys == false)
    }

    @Test("is nothing else: a login's greeting, keys of different pairs, too few keys")
    func refused() throws {
        let (one, two) = (try CurveKeyPair.make(), try CurveKeyPair.make())
        let mixed = "lockstep-keys \(one.publicKey.text) \(one.publicKey.text) \(two.secretKey.exportText())"
        for text in [
            "", "Welcome to n01", "lockstep-keys", "lockstep-keys none none", mixed, String(mixed.dropLast(41)),
        ] {
            #expect(try WorkerKeyLine.security(of: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(try WorkerKeyLine.security(of: [0xff, 0xfe]) == nil)
    }
}

@Suite("Endpoints in turn")
struct EndpointRotationTests {
    @Test("Each endpoint is tried over each of its families, and then what a file holds by then")
    func rotation() {
        var others = [Endpoint.tcp(host: "10.0.0.1", port: 1)]
        var rotation = EndpointRotation(.tcp(host: "name", port: 1), { others }, mayChange: true)
        var tried: [String] = []
        for _ in 0..<3 {
            tried.append("\(rotation.endpoint) \(rotation.family)")
            rotation.advance()
        }
        #expect(tried == ["tcp://name:1 ipv6", "tcp://name:1 ipv4", "tcp://10.0.0.1:1 ipv4"])
        others = [.tcp(host: "10.0.0.2", port: 2)]
        for _ in 0..<5 { rotation.advance() }
        #expect(rotation.endpoint == .tcp(host: "10.0.0.2", port: 2))
    }

    @Test("A single address leaves no choice")
    func single() {
        let rotation = EndpointRotation(.tcp(host: "10.0.0.1", port: 1))
        #expect(!rotation.hasChoice && !rotation.hasOtherEndpoints)
        #expect(EndpointRotation(.tcp(host: "name", port: 1)).hasChoice)
    }
}

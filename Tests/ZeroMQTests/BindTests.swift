import Glibc
import LockstepTesting
import Testing
import ZeroMQ

@Suite("Binding and connecting")
struct BindTests {
    @Test("port 0 binds a free port, and the bound endpoint is returned")
    func anyPort() throws {
        let socket = try makeSocket(.router)
        let bound = try socket.bind(.tcp(host: "127.0.0.1", port: 0))
        guard case .tcp("127.0.0.1", let port) = bound else {
            Issue.record("bound \(bound)")
            return
        }
        #expect(port > 0)
        #expect(try socket.lastEndpoint == bound)
    }

    @Test("a tcp port in use is an error that names it")
    func portInUse() throws {
        let first = try makeSocket(.router)
        let second = try makeSocket(.router)
        let bound = try first.bind(.tcp(host: "127.0.0.1", port: 0))
        let error = #expect(throws: ZeroMQError.self) { try second.bind(bound) }
        #expect(error?.isAddressInUse == true)
        #expect(
            error?.description
                == "cannot bind \(bound): Address already in use; end the program that uses it, or choose another port (0 takes any free one)"
        )
    }

    @Test("a bind does not take an ipc endpoint that is in use")
    func pathInUse() throws {
        let folder = try TemporaryFolder()
        let first = try makeSocket(.pair)
        let second = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        let endpoint = Endpoint.ipc(path: "\(folder.path)/s")
        #expect(try first.bind(endpoint) == endpoint)
        let error = #expect(throws: ZeroMQError.self) { try second.bind(endpoint) }
        #expect(error?.isAddressInUse == true)
        #expect(error?.description.hasPrefix("cannot bind \(endpoint): the endpoint is in use; ") == true)

        try client.connect(endpoint)
        try sendAll([[1]], from: client)
        #expect(try receiveAll(first) == [[1]])
    }

    @Test("a socket file that a dead program left behind is replaced")
    func stalePath() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/s"
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        Glibc.close(listener)
        try #require(bound == 0)
        #expect(try folder.names() == ["s"])
        try makeSocket(.router).bind(.ipc(path: path))
    }

    @Test("a document is not deleted", arguments: ["regular file", "link", "folder"])
    func document(kind: String) throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/thesis.txt"
        switch kind {
        case "folder": mkdir(path, 0o700)
        case "link": symlink("/tmp/nowhere", path)
        default: Glibc.close(open(path, O_CREAT | O_WRONLY, 0o600))
        }
        let error = #expect(throws: ZeroMQError.self) { try makeSocket(.router).bind(.ipc(path: path)) }
        #expect(
            error?.description
                == "cannot bind ipc://\(path): \(path) is not a socket: refusing to delete it; choose another path")
        #expect(try folder.names() == ["thesis.txt"])
        rmdir(path)
    }

    @Test("a missing folder is an error that says so")
    func missingFolder() throws {
        let error = #expect(throws: ZeroMQError.self) {
            try makeSocket(.router).bind(.ipc(path: "/tmp/no/such/folder/s"))
        }
        #expect(
            error?.description.hasSuffix("No such file or directory; the folder does not exist: make it first") == true)
    }

    @Test("an address of another host cannot be bound")
    func foreignAddress() throws {
        // 192.0.2.0/24 is reserved for documentation: no host has it.
        let error = #expect(throws: ZeroMQError.self) {
            try makeSocket(.router).bind(.tcp(host: "192.0.2.1", port: 0))
        }
        #expect(error?.description.contains("no interface of this host has that address") == true)
    }

    @Test("connecting to a wildcard is refused", arguments: [("*", 5555), ("127.0.0.1", 0)] as [(String, UInt16)])
    func connectToWildcard(host: String, port: UInt16) throws {
        let error = #expect(throws: ZeroMQError.self) {
            try makeSocket(.dealer).connect(.tcp(host: host, port: port))
        }
        #expect(error?.code == EINVAL)
    }

    @Test("localhost and IPv6 addresses work on both sides", arguments: loopbackNames)
    func names(host: String) throws {
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        guard case .tcp(_, let port) = try server.bind(.tcp(host: host, port: 0)) else { return }
        try client.connect(.tcp(host: host, port: port))
        try sendAll([[9]], from: client)
        #expect(try receiveAll(server) == [[9]])
        #expect(try !server.get(.ipv6))
    }

    @Test("* listens at the addresses of both families", arguments: ["127.0.0.1", "::1"])
    func anyAddress(host: String) throws {
        guard host == "127.0.0.1" || loopbackNames.contains(host) else { return }
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        guard case .tcp(_, let port) = try server.bind(.tcp(host: "*", port: 0)) else { return }
        try client.connect(.tcp(host: host, port: port))
        try sendAll([[9]], from: client)
        #expect(try receiveAll(server) == [[9]])
    }

    @Test("the addresses of a name get the same free port, and each is reached over its family")
    func sharedPort() throws {
        let server = try makeSocket(.dealer)
        let bound = try server.bind(
            try Endpoint.tcp(host: "localhost", port: 0).addressesToBind(), security: .none, ioThreads: 1)
        var ports: Set<UInt16> = []
        for case .tcp(_, let port) in bound { ports.insert(port) }
        #expect(ports.count == 1 && bound.count == loopbackNames.count)
        let port = try #require(ports.first)
        for family in [Endpoint.Family.ipv4, .ipv6].prefix(bound.count) {
            let client = try makeSocket(.dealer)
            try client.connect(.tcp(host: "localhost", port: port), over: family)
            try sendAll([[7]], from: client)
            #expect(try receiveAll(server) == [[7]])
        }
    }

    @Test("after an unbind the endpoint is free again")
    func unbind() throws {
        let folder = try TemporaryFolder()
        let socket = try makeSocket(.router)
        var monitor = try socket.monitor(events: [.ending])
        let endpoint = try socket.bind(.ipc(path: "\(folder.path)/s"))
        try socket.unbind(endpoint)
        // The listener closes on an I/O thread.
        _ = try nextEvent(.closed, of: &monitor)
        try makeSocket(.router).bind(endpoint)
        let error = #expect(throws: ZeroMQError.self) { try socket.unbind(endpoint) }
        #expect(error?.code == ENOENT)
    }
}

/// The kernel lists its IPv6 addresses in this file, if it has any.
private let loopbackNames = access("/proc/net/if_inet6", R_OK) == 0 ? ["localhost", "::1"] : ["localhost"]

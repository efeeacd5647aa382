import LockstepTesting
import Testing
import ZeroMQ

@Suite("Endpoints")
struct EndpointTests {
    @Test(
        "a valid text reads as its endpoint and prints as itself",
        arguments: [
            ("ipc:///run/user/1000/lockstep/workers", .ipc(path: "/run/user/1000/lockstep/workers")),
            ("ipc://relative name", .ipc(path: "relative name")),
            ("tcp://127.0.0.1:5555", .tcp(host: "127.0.0.1", port: 5555)),
            ("tcp://*:0", .tcp(host: "*", port: 0)),
            ("tcp://node-3.lab.example:65535", .tcp(host: "node-3.lab.example", port: 65535)),
            ("tcp://eth0:1", .tcp(host: "eth0", port: 1)),
            ("tcp://[::1]:80", .tcp(host: "::1", port: 80)),
            ("tcp://[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80)),
        ] as [(String, Endpoint)])
    func valid(text: String, endpoint: Endpoint) throws {
        #expect(try Endpoint(text) == endpoint)
        #expect(endpoint.description == text)
    }

    @Test("a star means any free port")
    func anyPort() throws {
        #expect(try Endpoint("tcp://127.0.0.1:*") == .tcp(host: "127.0.0.1", port: 0))
    }

    @Test(
        "anything else is refused with the reason",
        arguments: [
            ("", "an endpoint is ipc:///folder/name or tcp://host:port"),
            ("127.0.0.1:5555", "an endpoint is ipc:///folder/name or tcp://host:port"),
            ("udp://127.0.0.1:5555", "an endpoint is ipc:///folder/name or tcp://host:port"),
            ("inproc://x", "an endpoint is ipc:///folder/name or tcp://host:port"),
            ("ipc://", "the path is missing: ipc:///folder/name"),
            ("ipc://*", "the path must name a file"),
            ("ipc://@abstract", "the path must name a file"),
            ("ipc:///tmp/a\nb", "the path contains a control character"),
            ("ipc:///tmp/a\0b", "the path contains a control character"),
            ("ipc://" + String(repeating: "x", count: 108), "the path is longer than 107 bytes: use a shorter folder"),
            ("tcp://127.0.0.1", "the port is missing: tcp://host:port"),
            ("tcp://127.0.0.1:", "the port is a number from 0 to 65535, or * for any free one"),
            ("tcp://127.0.0.1:65536", "the port is a number from 0 to 65535, or * for any free one"),
            ("tcp://127.0.0.1:+80", "the port is a number from 0 to 65535, or * for any free one"),
            ("tcp://127.0.0.1:80/", "the port is a number from 0 to 65535, or * for any free one"),
            ("tcp://:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
            ("tcp://300.0.0.1:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
            ("tcp://::1:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
            ("tcp://[::1:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
            ("tcp://[fe80::1%]:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
            ("tcp://eth0;10.0.0.1:80", "the host is a name, an IPv4 address, an IPv6 address in brackets, or *"),
        ])
    func invalid(text: String, reason: String) throws {
        let error = #expect(throws: ZeroMQError.self) { try Endpoint(text) }
        #expect(error?.explanation == reason)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("a path has at most 107 bytes, not characters")
    func longestPath() throws {
        #expect(try Endpoint("ipc://" + String(repeating: "x", count: 107)).staysOnHost)
        #expect(throws: ZeroMQError.self) { try Endpoint("ipc://" + String(repeating: "ü", count: 54)) }
    }

    @Test(
        "only addresses of this host count as loopback",
        arguments: [
            ("tcp://127.0.0.1:1", true), ("tcp://127.255.3.4:1", true), ("tcp://localhost:1", true),
            ("tcp://[::1]:1", true), ("tcp://[::ffff:127.0.0.1]:1", true),
            ("tcp://*:1", false), ("tcp://0.0.0.0:1", false), ("tcp://[::]:1", false), ("tcp://10.0.0.1:1", false),
            ("tcp://[::ffff:10.0.0.1]:1", false), ("tcp://[fe80::1]:1", false), ("tcp://localhost.example:1", false),
            ("tcp://127.example:1", false), ("tcp://lo:1", false), ("ipc:///tmp/x", false),
        ])
    func loopback(text: String, expected: Bool) throws {
        let endpoint = try Endpoint(text)
        #expect(endpoint.isLoopback == expected)
        #expect(endpoint.staysOnHost == (expected || text.hasPrefix("ipc")))
    }

    @Test(
        "a name is reached over both families, an address over its own",
        arguments: [
            ("tcp://host.example:1", [.ipv6, .ipv4]), ("tcp://localhost:1", [.ipv4, .ipv6]),
            ("tcp://h1:1", [.ipv6, .ipv4]),
            ("tcp://10.0.0.1:1", [.ipv4]), ("tcp://[fe80::1]:1", [.ipv6]), ("ipc:///tmp/x", [.ipv4]),
        ] as [(String, [Endpoint.Family])])
    func families(text: String, expected: [Endpoint.Family]) throws {
        #expect(try Endpoint(text).families == expected)
    }

    @Test("a bind of a name listens at its addresses, of anything else at that")
    func addresses() throws {
        for text in ["tcp://*:1", "tcp://10.0.0.1:1", "tcp://[fe80::1]:1", "tcp://lo:1", "ipc:///tmp/x"] {
            #expect(try Endpoint(text).addressesToBind() == [Endpoint(text)])
        }
        let local = try Endpoint("tcp://localhost:7").addressesToBind()
        #expect(local.first == .tcp(host: "127.0.0.1", port: 7) && local.allSatisfy { $0.isLoopback })
        let error = #expect(throws: ZeroMQError.self) { try Endpoint("tcp://no-such-host.invalid:1").addressesToBind() }
        #expect(error?.description.contains("the name no-such-host.invalid cannot be resolved") == true)
        let reason = try Endpoint("tcp://no-such-host.invalid:1").reasonOfNoAddress
        #expect(reason?.hasPrefix("the name no-such-host.invalid cannot be resolved: ") == true)
        for text in ["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:1", "ipc:///tmp/nothing"] {
            #expect(try Endpoint(text).reasonOfNoAddress == nil)
        }
    }

    @Test(
        "any text is an endpoint that reads back as itself, or an error of one line", arguments: 0..<8 as Range<UInt64>)
    func total(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let fragments = [
            "ipc://", "tcp://", "inproc://", "[", "]", ":", "::", "*", "0", "1", "65535", "65536", ".", "127.0.0.1",
            "%", "eth0", "/", "@", "\0", "\n", "\u{2028}", "ü", "🦉", "-", " ", "e\u{301}", "\u{202e}", "ffff",
        ]
        var accepted = 0
        for _ in 0..<2000 {
            var text = random.next() % 2 == 0 ? "tcp://" : ""
            for _ in 0..<(random.next() % 7) { text += fragments[Int(random.next() % UInt64(fragments.count))] }
            do {
                let endpoint = try Endpoint(text)
                accepted += 1
                #expect(try Endpoint(endpoint.description) == endpoint, "seed \(seed): \(text.debugDescription)")
                if case .ipc(let path) = endpoint { #expect((1...107).contains(path.utf8.count)) }
            } catch {
                let line = error.description
                #expect(!line.contains { $0.isNewline || $0 == "\0" }, "seed \(seed): \(text.debugDescription)")
            }
        }
        #expect(accepted > 0)
    }
}

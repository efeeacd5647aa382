import LockstepTesting
import Testing
import ZeroMQ

/// A context has room for one handler: these tests share it.
private enum Protected {
    struct Keys: Sendable {
        let server: CurveKeyPair
        let known: CurveKeyPair
        let stranger: CurveKeyPair
        let handler: ZAPHandler
    }

    static func keys() throws -> Keys { try shared.get() }

    private static let shared = Result {
        let known = try CurveKeyPair.make()
        return Keys(
            server: try CurveKeyPair.make(), known: known, stranger: try CurveKeyPair.make(),
            handler: try ZAPHandler(context: sharedContext(), allowing: AllowedKeys([known.publicKey])))
    }
}

@Suite("CURVE endpoints and their ZAP handler")
struct ZAPTests {
    /// Calls `body` with a router with CURVE, its monitor and its endpoint.
    private func withServer(
        _ body: (borrowing Socket, inout SocketMonitor, Endpoint, Protected.Keys) throws -> Void
    ) throws {
        let keys = try Protected.keys()
        let server = try makeSocket(.router)
        var monitor = try server.monitor(events: [.handshake, .handshakeProtocol])
        let bound = try server.bind(
            [.tcp(host: "127.0.0.1", port: 0)], security: .server(keys.server), ioThreads: 1)
        try body(server, &monitor, bound[0], keys)
    }

    /// Expects that the router receives no message of a client.
    private func expectSilence(_ server: borrowing Socket) throws {
        var message = Message()
        #expect(try server.receive(into: &message, wait: false) == .wouldBlock)
    }

    @Test("a client with a listed key that knows the server's key is accepted")
    func known() throws {
        try withServer { server, monitor, endpoint, keys in
            let client = try makeSocket(.dealer)
            try client.connect(endpoint, security: .client(keys.known, server: keys.server.publicKey))
            try sendAll([[1, 2, 3]], from: client)
            #expect(try receiveAll(server).last == [1, 2, 3])
            #expect(try nextEvent(.handshakeSucceeded, of: &monitor).kind == .handshakeSucceeded)
        }
    }

    @Test("a client with an unknown key is refused with a reason, and its messages are not received")
    func stranger() throws {
        try withServer { server, monitor, endpoint, keys in
            let client = try makeSocket(.dealer)
            var clientMonitor = try client.monitor(events: [.handshake, .handshakeProtocol])
            try client.connect(endpoint, security: .client(keys.stranger, server: keys.server.publicKey))
            try sendAll([[1, 2, 3]], from: client)
            let refused = SocketEvent.Kind.handshakeFailed(.authentication(400))
            #expect(try nextEvent(of: &monitor) { _ in true }.kind == refused)
            #expect(try nextEvent(of: &clientMonitor) { _ in true }.kind == refused)
            #expect(keys.handler.drainRefusedAddresses().contains("127.0.0.1"))
            try expectSilence(server)
        }
    }

    @Test("a client that expects another server's key is not accepted")
    func wrongServer() throws {
        try withServer { server, monitor, endpoint, keys in
            let client = try makeSocket(.dealer)
            try client.connect(endpoint, security: .client(keys.known, server: keys.stranger.publicKey))
            try sendAll([[1, 2, 3]], from: client)
            #expect(try nextEvent(of: &monitor) { _ in true }.kind == .handshakeFailed(.wrongKey))
            try expectSilence(server)
        }
    }

    @Test("a client without CURVE is not accepted, and both ends report why")
    func null() throws {
        try withServer { server, monitor, endpoint, _ in
            let client = try makeSocket(.dealer)
            var clientMonitor = try client.monitor(events: [.handshake, .handshakeProtocol])
            try client.connect(endpoint, security: .none)
            try sendAll([[1, 2, 3]], from: client)
            #expect(try nextEvent(of: &monitor) { _ in true }.kind == .handshakeFailed(.mechanismMismatch))
            #expect(try nextEvent(of: &clientMonitor) { _ in true }.kind == .handshakeFailed(.mechanismMismatch))
            try expectSilence(server)
        }
    }

    @Test("an ipc endpoint beside an encrypted one needs no keys, and bind returns the endpoints in order")
    func mixed() throws {
        let keys = try Protected.keys()
        let folder = try TemporaryFolder()
        let server = try makeSocket(.router)
        let path = "\(folder.path)/s"
        let bound = try server.bind(
            [.tcp(host: "127.0.0.1", port: 0), .ipc(path: path)], security: .server(keys.server), ioThreads: 1)
        #expect(bound[1] == .ipc(path: path))
        #expect(bound[0].isLoopback)
        #expect(try server.get(.ioThreadAffinity) == 1)
        let local = try makeSocket(.dealer)
        try local.connect(bound[1])
        try sendAll([[7]], from: local)
        #expect(try receiveAll(server).last == [7])
    }

    @Test("a second handler in a context is an error")
    func second() throws {
        _ = try Protected.keys()
        #expect(throws: ZeroMQError.self) { _ = try ZAPHandler(context: sharedContext(), allowing: AllowedKeys()) }
    }

    /// Sends a request and waits for its reply: the handler has then processed all earlier messages.
    private func ask(_ client: borrowing Socket, key: [UInt8], id: [UInt8]) throws -> [[UInt8]] {
        try sendAll(Self.question(key: key, id: id), from: client)
        return try receiveAll(client)
    }

    private static func question(key: [UInt8], id: [UInt8]) -> [[UInt8]] {
        [[], Array("1.0".utf8), id]
            + ["lockstep", "10.0.0.1", "", "CURVE"].map { Array($0.utf8) } + [key]
    }

    @Test("the handler replies to requests as the RFC says, and survives any other message", arguments: [1, 2, 3])
    func garbage(seed: UInt64) throws {
        let keys = try Protected.keys()
        let client = try makeSocket(.dealer)
        try client.connect(inproc: "zeromq.zap.01")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            var frames = Self.question(key: keys.known.publicKey.bytes, id: [9])
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<frames.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where frames.count > 1: frames.remove(at: index)
                case 1: frames.insert([UInt8](repeating: 0xff, count: 300), at: index)
                default: frames[index] = pattern(Int.random(in: 0...400, using: &random))
                }
            }
            try sendAll(frames, from: client)
        }
        // The valid requests among these have replies, which come before the next one's.
        var answer = try ask(client, key: keys.known.publicKey.bytes, id: Array("good".utf8))
        while answer[2] != Array("good".utf8) { answer = try receiveAll(client) }
        #expect(answer == ["", "1.0", "good", "200", "OK", "", ""].map { Array($0.utf8) })
        answer = try ask(client, key: keys.stranger.publicKey.bytes, id: Array("bad".utf8))
        while answer[2] != Array("bad".utf8) { answer = try receiveAll(client) }
        #expect(answer[3] == Array("400".utf8))
    }

    @Test("a request has a client key only for an encrypted endpoint and a complete key")
    func requests() {
        let good = Array(Self.question(key: Array(0..<32), id: [1]).dropFirst())
        #expect(ZAPRequest(frames: good)?.clientKey?.bytes == Array(0..<32))
        func changed(_ index: Int, _ frame: [UInt8]) -> ZAPRequest? {
            var frames = good
            frames[index] = frame
            return ZAPRequest(frames: frames)
        }
        #expect(changed(0, Array("1.1".utf8)) == nil)
        #expect(changed(2, [0xff]) == nil)
        #expect(changed(3, [UInt8](repeating: 65, count: 256)) == nil)
        #expect(changed(2, Array("other".utf8))?.clientKey == nil)
        #expect(changed(5, Array("NULL".utf8))?.clientKey == nil)
        #expect(changed(6, Array(0..<31))?.clientKey == nil)
        // The prefix of the IPv4 addresses that reach an IPv6 socket is left out.
        let addresses = ["::ffff:192.0.2.1", "192.0.2.1", "2001:db8::ffff:1", ""]
        #expect(
            addresses.map { changed(3, Array($0.utf8))?.address } == ["192.0.2.1", "192.0.2.1", "2001:db8::ffff:1", ""])
        #expect(ZAPRequest(frames: good + [[1]])?.clientKey == nil)
        #expect(ZAPRequest(frames: Array(good.prefix(5))) == nil)
        #expect(ZAPRequest(frames: good + [[UInt8]](repeating: [], count: 20)) == nil)
        #expect(ZAPRequest(frames: []) == nil)
    }
}

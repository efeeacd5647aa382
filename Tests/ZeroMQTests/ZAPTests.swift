import LockstepTesting
import Testing
import ZeroMQ

/// A context has room for one handler, so that these tests share one.
private enum Guarded {
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
            handler: try ZAPHandler(context: sharedContext(), allowing: [known.publicKey]))
    }
}

@Suite("CURVE endpoints and their ZAP handler")
struct ZAPTests {
    /// A router that is guarded, its monitor, and where it listens.
    private func withServer(
        _ body: (borrowing Socket, inout SocketMonitor, Endpoint, Guarded.Keys) throws -> Void
    ) throws {
        let keys = try Guarded.keys()
        let server = try makeSocket(.router)
        var monitor = try server.monitor(events: [.handshake, .handshakeProtocol])
        let bound = try server.bind(
            [.tcp(host: "127.0.0.1", port: 0)], security: .server(keys.server), ioThreads: 1)
        try body(server, &monitor, bound[0], keys)
    }

    /// Nothing of what a client sent may come out.
    private func expectSilence(_ server: borrowing Socket) throws {
        var message = Message()
        #expect(try server.receive(into: &message, wait: false) == .wouldBlock)
    }

    @Test("a client with a listed key and the server's own gets in")
    func known() throws {
        try withServer { server, monitor, endpoint, keys in
            let client = try makeSocket(.dealer)
            try client.connect(endpoint, security: .client(keys.known, server: keys.server.publicKey))
            try sendAll([[1, 2, 3]], from: client)
            #expect(try receiveAll(server).last == [1, 2, 3])
            #expect(try nextEvent(.handshakeSucceeded, of: &monitor).kind == .handshakeSucceeded)
        }
    }

    @Test("a client with another key is told, and nothing that it sends comes through")
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

    @Test("a client that expects another server's key does not get in")
    func wrongServer() throws {
        try withServer { server, monitor, endpoint, keys in
            let client = try makeSocket(.dealer)
            try client.connect(endpoint, security: .client(keys.known, server: keys.stranger.publicKey))
            try sendAll([[1, 2, 3]], from: client)
            #expect(try nextEvent(of: &monitor) { _ in true }.kind == .handshakeFailed(.wrongKey))
            try expectSilence(server)
        }
    }

    @Test("a client without CURVE does not get in, and both ends say why")
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

    @Test("ipc beside a guarded endpoint stays open, and the answer keeps the order of the question")
    func mixed() throws {
        let keys = try Guarded.keys()
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
        _ = try Guarded.keys()
        #expect(throws: ZeroMQError.self) { _ = try ZAPHandler(context: sharedContext(), allowing: []) }
    }

    /// Makes the handler work through what was sent before.
    private func ask(_ client: borrowing Socket, key: [UInt8], id: [UInt8]) throws -> [[UInt8]] {
        try sendAll(Self.question(key: key, id: id), from: client)
        return try receiveAll(client)
    }

    private static func question(key: [UInt8], id: [UInt8]) -> [[UInt8]] {
        [[], Array("1.0".utf8), id]
            + ["lockstep", "10.0.0.1", "", "CURVE"].map { Array($0.utf8) } + [key]
    }

    @Test("the handler answers requests in the RFC's words, and outlives everything else", arguments: [1, 2, 3])
    func garbage(seed: UInt64) throws {
        let keys = try Guarded.keys()
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
        // Whatever of this was a question has been answered before the next one.
        var answer = try ask(client, key: keys.known.publicKey.bytes, id: Array("good".utf8))
        while answer[2] != Array("good".utf8) { answer = try receiveAll(client) }
        #expect(answer == ["", "1.0", "good", "200", "OK", "", ""].map { Array($0.utf8) })
        answer = try ask(client, key: keys.stranger.publicKey.bytes, id: Array("bad".utf8))
        while answer[2] != Array("bad".utf8) { answer = try receiveAll(client) }
        #expect(answer[3] == Array("400".utf8))
    }

    @Test("a request is about a protected endpoint and a whole key, or about nobody")
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
        #expect(ZAPRequest(frames: good + [[1]])?.clientKey == nil)
        #expect(ZAPRequest(frames: Array(good.prefix(5))) == nil)
        #expect(ZAPRequest(frames: good + [[UInt8]](repeating: [], count: 20)) == nil)
        #expect(ZAPRequest(frames: []) == nil)
    }
}

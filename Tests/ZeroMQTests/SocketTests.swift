import Glibc
import LockstepTesting
import Testing
import ZeroMQ

@Suite("Sockets")
struct SocketTests {
    @Test(
        "a frame arrives as it was sent, whatever its size and way", arguments: Transport.allCases,
        [0, 1, 33, 34, 1 << 20])
    func roundTrip(transport: Transport, size: Int) throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try transport.join(server, client, in: folder)

        let bytes = pattern(size)
        try sendAll([bytes], from: client)
        #expect(try receiveAll(server) == [bytes])

        // The reply is sent by reference.
        let result = try bytes.withUnsafeBytes { try server.send(borrowing: $0) }
        #expect(result == .sent)
        #expect(try receiveAll(client) == [bytes])
    }

    @Test("the frames of a message stay together and in order", arguments: Transport.allCases)
    func multipart(transport: Transport) throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try transport.join(server, client, in: folder)
        let frames = [pattern(32), [], pattern(100_000, salt: 3), [7]]
        try sendAll(frames, from: client)
        try sendAll([[1]], from: client)
        #expect(try receiveAll(server) == frames)
        #expect(try receiveAll(server) == [[1]])
    }

    @Test(
        "a router names each dealer by 5 bytes, the first one 0, and answers by them", arguments: [Transport.ipc, .tcp])
    func routing(transport: Transport) throws {
        let folder = try TemporaryFolder()
        let router = try makeSocket(.router)
        let first = try makeSocket(.dealer)
        let second = try makeSocket(.dealer)
        try transport.join(router, first, in: folder)
        try second.connect(try router.lastEndpoint)

        try sendAll([pattern(40, salt: 1)], from: first)
        try sendAll([pattern(40, salt: 2)], from: second)
        var routes: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<2 {
            let frames = try receiveAll(router)
            try #require(frames.count == 2)
            routes[frames[1]] = frames[0]
        }
        let firstRoute = try #require(routes[pattern(40, salt: 1)])
        let secondRoute = try #require(routes[pattern(40, salt: 2)])
        #expect(firstRoute.count == 5 && firstRoute[0] == 0)
        #expect(secondRoute.count == 5 && secondRoute[0] == 0)
        #expect(firstRoute != secondRoute)

        try sendAll([secondRoute, [2]], from: router)
        try sendAll([firstRoute, [1]], from: router)
        #expect(try receiveAll(first) == [[1]])
        #expect(try receiveAll(second) == [[2]])
    }

    @Test("a mandatory router throws for a peer that it does not know")
    func unreachable() throws {
        let router = try makeSocket(.router)
        try router.set(.routerMandatory, true)
        try router.bind(.tcp(host: "127.0.0.1", port: 0))
        let error = #expect(throws: ZeroMQError.self) { try sendAll([[0, 1, 2, 3, 4], [1]], from: router) }
        #expect(error?.isHostUnreachable == true)
        #expect(error?.description == "cannot send a message: Host unreachable; the peer has gone")
    }

    @Test("a receive without a message and a send without a peer would block")
    func wouldBlock() throws {
        let dealer = try makeSocket(.dealer)
        var message = try Message(copying: [1, 2, 3])
        let sent = try dealer.send(&message, wait: false)
        #expect(sent == .wouldBlock)
        // The failed call has changed nothing.
        let content = message.array
        #expect(content == [1, 2, 3])
        let copied = try content.withUnsafeBytes { try dealer.send(copying: $0, wait: false) }
        #expect(copied == .wouldBlock)
        let borrowed = try content.withUnsafeBytes { try dealer.send(borrowing: $0, wait: false) }
        #expect(borrowed == .wouldBlock)
        // A receive clears the message, so old bytes are never mistaken for new ones.
        let received = try dealer.receive(into: &message, wait: false)
        #expect(received == .wouldBlock)
        let rest = message.count
        #expect(rest == 0)
    }

    @Test("the high-water mark bounds a queue")
    func highWaterMark() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try client.set(.sendHighWaterMark, 3)
        try server.set(.receiveHighWaterMark, 2)
        try Transport.inproc.join(server, client, in: folder)
        // Over inproc there is one queue, whose length is the sum of both marks.
        var sent = 0
        while sent < 100, try [1].withUnsafeBytes({ try client.send(copying: $0, wait: false) }) == .sent { sent += 1 }
        #expect(sent == 5)
    }

    @Test("a send throws after its timeout; a send that must not wait returns wouldBlock")
    func sendTimeout() throws {
        let dealer = try makeSocket(.dealer)
        try dealer.set(.sendTimeout, 0)
        #expect(throws: ZeroMQError(.send, code: EAGAIN)) { try dealer.send(try Message(copying: [1])) }
        var message = try Message(copying: [1])
        let result = try dealer.send(&message)
        #expect(result == .wouldBlock)
    }

    @Test("the remaining frames of a message can be dropped")
    func discardRest() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.inproc.join(server, client, in: folder)
        try sendAll([[1], [2], [3]], from: client)
        try sendAll([[4]], from: client)
        var message = Message()
        let first = try server.receive(into: &message)
        #expect(first == .received)
        let hasMore = message.more
        #expect(hasMore)
        try server.discardRest(of: &message)
        let more = message.more
        #expect(!more)
        #expect(try receiveAll(server) == [[4]])
    }

    @Test("with a linger, the last message is sent after the socket has closed")
    func linger() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.ipc.join(server, client, in: folder)
        let bytes = pattern(1 << 20)
        try sendAll([[1]], from: client)
        #expect(try receiveAll(server) == [[1]])
        try sendAll([bytes], from: client)
        client.close(linger: 10_000)
        #expect(try receiveAll(server) == [bytes])
    }

    @Test("a socket works on the thread to which it is passed")
    func handOver() async throws {
        let name = try TemporaryFolder().path
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        // Two calls: with one call for both, the compiler would assume a connection and keep them on one thread.
        try server.bind(inproc: name)
        try client.connect(inproc: name)
        let echo = Task.detached { [box = Box(client)] in
            let frames = try receiveAll(box.socket)
            try sendAll(frames, from: box.socket)
        }
        try sendAll([[5]], from: server)
        try await echo.value
        #expect(try receiveAll(server) == [[5]])
    }

    @Test("options have the values that were set")
    func options() throws {
        let socket = try makeSocket(.dealer)
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.maximumMessageSize, 1 << 40)
        try socket.set(.ioThreadAffinity, 1)
        try socket.set(.immediate, true)
        try socket.set(.zapDomain, "lockstep")
        #expect(try socket.get(.sendHighWaterMark) == 0)
        #expect(try socket.get(.maximumMessageSize) == 1 << 40)
        #expect(try socket.get(.ioThreadAffinity) == 1)
        #expect(try socket.get(.immediate))
        #expect(try socket.get(.zapDomain) == "lockstep")
        #expect(try socket.get(.receiveTimeout) == 10_000)
    }

    @Test("the durations, limits and switches of endpoints can be set")
    func everyOption() throws {
        let socket = try makeSocket(.router)
        let numbers: [SocketOption<Int32>] = [
            .receiveHighWaterMark, .linger, .handshakeInterval, .heartbeatInterval, .heartbeatTimeout,
            .reconnectInterval, .reconnectIntervalLimit, .sendTimeout, .receiveTimeout, .backlog,
        ]
        for option in numbers {
            try socket.set(option, 700)
            #expect(try socket.get(option) == 700, "\(option.name)")
        }
        try socket.set(.heartbeatTimeToLive, 700)
        #expect(try socket.get(.heartbeatTimeToLive) == 700)
        // The options of a router and of the draft header can be set but not read.
        try socket.set(.routerMandatory, true)
        try socket.set(.enforceZapDomain, true)
        for option: SocketOption<Bool> in [.ipv6, .curveServer] {
            try socket.set(option, true)
            #expect(try socket.get(option), "\(option.name)")
        }
        for option: SocketOption<[UInt8]> in [.curvePublicKey, .curveSecretKey, .curveServerKey] {
            try socket.set(option, pattern(32))
            #expect(throws: ZeroMQError(.setOption, code: EINVAL, subject: option.name)) {
                try socket.set(option, [1, 2, 3])
            }
        }
    }

    @Test("a wrong value is an error that names the option")
    func wrongOption() throws {
        let socket = try makeSocket(.dealer)
        let error = #expect(throws: ZeroMQError.self) { try socket.set(.handshakeInterval, -5) }
        #expect(error?.description == "cannot set socket option ZMQ_HANDSHAKE_IVL: Invalid argument")
    }

    @Test("no peer can predict the names that a router gives to its first peers")
    func routingIDs() throws {
        let folder = try TemporaryFolder()
        var names: Set<[UInt8]> = []
        for number in 0..<8 {
            let server = try makeSocket(.router)
            let client = try makeSocket(.dealer)
            let endpoint = try server.bind(.ipc(path: "\(folder.path)/\(number)"))
            try client.connect(endpoint)
            try sendAll([[1]], from: client)
            names.insert(try receiveAll(server)[0])
        }
        #expect(names.count == 8 && names.allSatisfy { $0.count == 5 && $0[0] == 0 })
        // The first name if the C library's generator has not been seeded.
        #expect(!names.contains([0, 0x6B, 0x8B, 0x45, 0x67]))
    }
}

/// Passes a socket to a task, which alone uses it from then on.
private final class Box: @unchecked Sendable {
    let socket: Socket
    init(_ socket: consuming sending Socket) { self.socket = socket }
}

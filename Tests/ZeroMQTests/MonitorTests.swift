import Glibc
import LockstepTesting
import Testing
import ZeroMQ

@Suite("Monitors")
struct MonitorTests {
    @Test(
        "a connection's events carry the descriptor that its frames carry", arguments: [Transport.ipc, .tcp])
    func descriptors(transport: Transport) throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.router)
        var monitor = try server.monitor()
        let client = try makeSocket(.dealer)
        var clientMonitor = try client.monitor(events: [.connector, .handshake])
        try transport.join(server, client, in: folder)
        let endpoint = try server.lastEndpoint.description
        #expect(try nextEvent(.listening, of: &monitor).endpoint == endpoint)

        let accepted = try nextEvent(.accepted, of: &monitor)
        #expect(accepted.endpoint == endpoint)
        _ = try nextEvent(.handshakeSucceeded, of: &monitor)
        #expect(try nextEvent(.connected, of: &clientMonitor).endpoint == endpoint)
        _ = try nextEvent(.handshakeSucceeded, of: &clientMonitor)

        try sendAll([[1]], from: client)
        var message = Message()
        _ = try server.receive(into: &message)
        _ = try server.receive(into: &message)
        let source = message.sourceDescriptor
        #expect(source != nil)
        #expect(source == accepted.descriptor)

        client.close(linger: 0)
        let disconnected = try nextEvent(.disconnected, of: &monitor)
        #expect(disconnected.descriptor == accepted.descriptor)
    }

    @Test("the watched events can be changed, and no earlier event is lost")
    func changes() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.router)
        let client = try makeSocket(.dealer)
        var monitor = try client.monitor(events: [.connector, .handshake])
        try Transport.ipc.join(server, client, in: folder)
        try sendAll([[1]], from: client)
        _ = try receiveAll(server)
        // The connection is established: its events have been reported and are unread.
        try monitor.watch(.ending)
        _ = try nextEvent(.connected, of: &monitor)
        _ = try nextEvent(.handshakeSucceeded, of: &monitor)
        server.close(linger: 0)
        _ = try nextEvent(.disconnected, of: &monitor)
    }

    @Test("sockets that are closed before their monitors leave the context's other connections alone")
    func closedFirst() throws {
        let folder = try TemporaryFolder()
        let context = try Context()
        let nowhere = Endpoint.ipc(path: folder("nothing"))
        for number in 0..<300 {
            let socket = try context.socket(.dealer)
            try socket.set(.reconnectInterval, 1)
            let monitor = try socket.monitor()
            try socket.connect(nowhere)
            // The attempts to connect are events, each at another moment.
            usleep(UInt32(1_000 + 7 * number))
            socket.close(linger: 0)
            _ = consume monitor
        }
        let server = try context.socket(.router)
        let client = try context.socket(.dealer)
        try Transport.ipc.join(server, client, in: folder)
        try client.send(Message(copying: [1]))
        var poller = Poller(context: context)
        _ = poller.add(server)
        #expect(try poller.wait(timeoutMilliseconds: 20_000) == .ready(1))
    }

    @Test("the default events exclude the one that would harm established connections")
    func harmless() {
        #expect(SocketEventMask.all.isDisjoint(with: .handshakeProtocol))
        #expect(SocketEventMask.handshake.isDisjoint(with: .handshakeProtocol))
    }

    @Test("a peer with another protocol fails its handshake")
    func foreignPeer() throws {
        let server = try makeSocket(.router)
        var monitor = try server.monitor(events: [.handshake])
        guard case .tcp(_, let port) = try server.bind(.tcp(host: "127.0.0.1", port: 0)) else { return }
        let stranger = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(stranger) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(stranger, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = Array("GET / HTTP/1.1\r\nHost: example\r\n\r\n".utf8)
        _ = Glibc.send(stranger, request, request.count, Int32(MSG_NOSIGNAL))
        Glibc.shutdown(stranger, Int32(SHUT_WR))
        let event = try nextEvent(of: &monitor) { _ in true }
        guard case .handshakeFailed = event.kind else {
            Issue.record("got \(event)")
            return
        }
    }

    @Test("a monitor can be polled")
    func polled() throws {
        let socket = try makeSocket(.router)
        var monitor = try socket.monitor(events: [.listener])
        var poller = Poller(context: try sharedContext())
        let token = poller.add(monitor.socket)
        try socket.bind(.tcp(host: "127.0.0.1", port: 0))
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: token) == .input)
        #expect(try monitor.next()?.kind == .listening)
        #expect(try monitor.next() == nil)
    }

    @Test("a socket has one monitor at a time")
    func one() throws {
        let socket = try makeSocket(.router)
        do {
            let first = try socket.monitor()
            #expect(throws: ZeroMQError.self) { _ = try socket.monitor() }
            _ = consume first
        }
        var second = try socket.monitor(events: [.listener])
        try socket.bind(.tcp(host: "127.0.0.1", port: 0))
        #expect(try nextEvent(.listening, of: &second).descriptor != nil)
    }

    @Test("a monitor outlives its socket and reports its last event")
    func outlives() throws {
        let socket = try makeSocket(.router)
        var monitor = try socket.monitor(events: [.ending])
        socket.close(linger: 0)
        #expect(try nextEvent(.stopped, of: &monitor).endpoint == "")
        #expect(try monitor.next() == nil)
    }

    @Test("a flood of unread events blocks nothing")
    func flood() throws {
        let server = try makeSocket(.router)
        var monitor = try server.monitor(events: [.listener])
        for _ in 0..<1500 { try server.unbind(try server.bind(.tcp(host: "127.0.0.1", port: 0))) }
        var listening = 0
        while try monitor.next() != nil { listening += 1 }
        #expect(listening == 1500)
    }
}

import Glibc
import LockstepCluster
import LockstepProtocol
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// What the coordinator's link reports of a peer whose connection ends.
@Suite("Lost peers")
struct LostPeerTests {
    /// A link, and a peer that the link has welcomed as a member, that has said goodbye and that has disconnected. The
    /// link has read neither.
    private struct Departure {
        let context: Context
        let link: CoordinatorLink
        let peer: PeerID

        init() throws {
            let (context, others) = (try Context(), try Context())
            let link = try CoordinatorLink(
                context: context, ioThreads: 1, binding: [.tcp(host: "127.0.0.1", port: 0)], keys: nil,
                limits: ConnectionLimits(gradientBytes: 1 << 20), deadlines: Deadlines())
            let member = try others.socket(.dealer)
            try member.connect(try #require(link.endpoints.first))
            try Self.send(
                Header(kind: .hello), Hello(programVersion: "1", host: "h", processID: 1).encoded(), over: member)
            var found: PeerID?
            while found == nil {
                if case .message(let peer, _, _) = try link.receive() { found = peer }
            }
            let peer = try #require(found)
            try link.send(to: peer, Header(kind: .welcome), copying: [1])
            link.setMember(true, peer)
            try Self.send(
                Header(kind: .goodbye), Goodbye(code: .stopping, message: "asked to stop").encoded(), over: member)
            member.close(linger: 30_000)
            try others.terminate()
            (self.context, self.link, self.peer) = (context, link, peer)
        }

        private static func send(_ header: Header, _ payload: [UInt8], over socket: borrowing Socket) throws {
            let frame = header.encoded(payload: payload)
            _ = try frame.withUnsafeBytes { try socket.send(copying: $0, more: true) }
            _ = try payload.withUnsafeBytes { try socket.send(copying: $0) }
        }

        /// The kinds of the messages that the link returns until it reports the peer as lost.
        func remainingKinds() throws -> [MessageKind] {
            var kinds: [MessageKind] = []
            while true {
                link.hasConnectionEvents = true
                switch try link.receive() {
                case .message(peer, let header, _): kinds.append(header.kind)
                case .lost(peer): return kinds
                default: continue
                }
            }
        }

        func close() throws {
            link.close()
            try context.terminate()
        }
    }

    @Test("A goodbye is reported before the end of its connection, though the end is known first")
    func endKnownFirst() throws {
        let departure = try Departure()
        // libzmq reports the end after it has delivered the goodbye.
        var item = pollfd(fd: departure.link.connections.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&item, 1, -1) == 1)
        while !departure.link.peers.hasEnded { try departure.link.readConnectionEvents() }
        #expect(try departure.remainingKinds() == [.goodbye])
        try departure.close()
    }

    @Test("A goodbye is reported though a message for the peer that left found no connection")
    func sendingFails() throws {
        let departure = try Departure()
        let link = departure.link
        while !link.peers.hasEnded {
            try link.post(to: departure.peer, Header(kind: .assign))
            try link.flush()
        }
        try link.post(to: departure.peer, Header(kind: .assign))
        #expect(link.peers[departure.peer]?.outbox.isEmpty == true, "nothing is queued for a peer that has left")
        #expect(try departure.remainingKinds() == [.goodbye])
        try departure.close()
    }
}

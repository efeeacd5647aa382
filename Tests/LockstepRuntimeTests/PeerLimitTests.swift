import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// Limits on what a peer may request, send and leave unread.
@Suite("Limits of a peer")
struct PeerLimitTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    private func peer(_ number: UInt32 = 1) -> Peer { Peer(PeerID(rawValue: number), nil, now: instant(0)) }

    /// The number of messages of this kind that are allowed at this time, until one is rejected.
    private func allowed(_ allowance: inout RequestAllowance, _ kind: MessageKind?, at seconds: Double) -> Int {
        var count = 0
        while allowance.consume(kind, now: instant(seconds)) { count += 1 }
        return count
    }

    @Test("256 messages are allowed at once, and 64 more with every second that passes")
    func allowance() {
        var allowance = RequestAllowance(now: instant(10))
        #expect(allowed(&allowance, .ping, at: 10) == 256)
        // The rejected message counts, too.
        #expect(allowed(&allowance, nil, at: 11) == 63)
        #expect(allowed(&allowance, .hello, at: 13) == 127)
    }

    @Test("A status request counts fourfold, a data request 1/64, and a long pause saves up no more than the maximum")
    func costs() {
        var allowance = RequestAllowance(now: instant(0))
        #expect(allowed(&allowance, .statusRequest, at: 0) == 64)
        #expect(allowed(&allowance, .dataRequest, at: 1_000) == 256 * 64)
    }

    @Test("Consecutive refusals and all welcomes are limited, other answers are not")
    func answers() {
        let refused = peer()
        for _ in 0..<Peer.maximumRefusals { #expect(refused.allows(.refuse)) }
        #expect(!refused.allows(.refuse))
        let welcomed = peer()
        for _ in 0..<Peer.maximumWelcomes {
            #expect(welcomed.allows(.refuse) && welcomed.allows(.welcome) && welcomed.allows(.status))
        }
        #expect(welcomed.isWelcomed && !welcomed.allows(.welcome))
    }

    private func ping(_ step: UInt64) -> DeferredMessages.Message {
        .init(.success((Header(kind: .ping, step: step), [1])))
    }

    @Test("A peer's deferred messages come out in order, with a limit for each peer and for all together")
    func deferred() throws {
        var messages = DeferredMessages()
        let first = peer(1)
        for step in 0..<40 as Range<UInt64> {
            let isKept = messages.append(ping(step), of: first)
            #expect(isKept == (step < 32))
        }
        for step in 0..<32 as Range<UInt64> {
            let next = messages.popFirst(now: instant(0))
            #expect(try next?.message.content.get().header.step == step)
        }
        let last = messages.popFirst(now: instant(0))
        #expect(first.deferred.isEmpty && messages.isEmpty && last == nil)
        let large = DeferredMessages.Message(.success((Header(kind: .ready), [UInt8](repeating: 0, count: 1 << 20))))
        let kept = (2..<10 as Range<UInt32>).count { messages.append(large, of: peer($0)) }
        #expect(kept == 4, "of 4 MiB")
        var others = DeferredMessages()
        let isKept = (0..<1_100 as Range<UInt32>).map { others.append(.init(.failure(.invalidText)), of: peer($0)) }
        #expect(isKept.count { $0 } == 1_024 && isKept[1_023] && !isKept[1_024])
    }

    @Test("Peers take turns, and a newcomer takes the place of the last message of the peer with most")
    func turns() throws {
        var messages = DeferredMessages()
        let flood = (0..<32 as Range<UInt32>).map { peer($0) }
        for peer in flood {
            for step in 0..<32 as Range<UInt64> { _ = messages.append(ping(step), of: peer) }
        }
        #expect(messages.count == 1_024)
        let isKept = messages.append(ping(40), of: flood[3])
        #expect(!isKept)
        let newcomers = (100..<103 as Range<UInt32>).map { peer($0) }
        let areKept = newcomers.map { messages.append(ping(50), of: $0) }
        #expect(areKept == [true, true, true])
        let isSecondKept = messages.append(ping(51), of: newcomers[0])
        #expect(!isSecondKept, "it is no newcomer any more")
        #expect(messages.count == 1_024 && flood.count { $0.deferred.count == 31 } == 3)
        // One message of each other peer comes first.
        let order = (0..<35).compactMap { _ in messages.popFirst(now: instant(0))?.peer.id.rawValue }
        #expect(order == Array(0..<32) + [100, 101, 102])
        for peer in flood { messages.removeAll(of: peer) }
        let last = messages.popFirst(now: instant(0))
        #expect(messages.isEmpty && last == nil)
    }

    @Test(
        "A frame has as many bytes on the wire as ZMTP and CURVE give it",
        arguments: [(0, 2, 35), (222, 224, 257), (223, 225, 265), (255, 257, 297), (256, 265, 298)])
    func bytes(count: Int, plain: Int, encrypted: Int) {
        #expect(ConnectionLimits.bytesOnWire(count, isEncrypted: false) == plain)
        #expect(ConnectionLimits.bytesOnWire(count, isEncrypted: true) == encrypted)
    }

    @Test("An outbox is full after 128 messages, however small")
    func outbox() {
        let outbox = Outbox()
        for _ in 0..<127 { outbox.append(Header(kind: .assign), nil) }
        #expect(!outbox.isFull)
        outbox.append(Header(kind: .assign), nil)
        #expect(outbox.isFull)
    }

    private func withLink(_ body: (CoordinatorLink, Endpoint) throws -> Void) throws {
        let context = try Context(Context.Options(sharesReceiveBuffers: false))
        // The peers of these tests answer no heartbeat, and must not be disconnected because of it.
        var deadlines = Deadlines()
        (deadlines.heartbeatInterval, deadlines.heartbeatTimeout) = (3_600, 3_600)
        let link = try CoordinatorLink(
            context: context, ioThreads: 1, binding: [.tcp(host: "127.0.0.1", port: 0)], keys: nil,
            limits: ConnectionLimits(gradientBytes: 0), deadlines: deadlines)
        try body(link, try #require(link.endpoints.first))
        link.close()
        try context.terminate()
    }

    /// Receives events until `isDone` returns true; it is also called when there is no event.
    private func receive(_ link: CoordinatorLink, until isDone: (CoordinatorLink.Event?) -> Bool) throws {
        let deadline = Deadline.after(.seconds(60))
        while true {
            link.hasConnectionEvents = true
            if isDone(try link.receive()) { return }
            try #require(!deadline.hasPassed(at: Instant.now))
            usleep(1_000)
        }
    }

    @Test(
        "A stranger is disconnected with 200 KiB unfinished, not with 100 KiB, and a member not even with 1 MiB")
    func unfinished() throws {
        try withLink { link, endpoint in
            let (modest, greedy, member) = (
                try RawPeer(at: endpoint), try RawPeer(at: endpoint), try RawPeer(at: endpoint)
            )
            try member.sendPings(1, ofBytes: 1)
            try receive(link) { event in
                guard case .message(let peer, _, _) = event else { return false }
                link.setMember(true, peer)
                return true
            }
            modest.leaveUnfinished(100 << 10)
            member.leaveUnfinished(1 << 20)
            greedy.leaveUnfinished(200 << 10)
            var reasons: [String] = []
            try receive(link) { event in
                if case .rejected(let reason) = event { reasons.append(reason) }
                return greedy.isCut && !reasons.isEmpty
            }
            #expect(reasons.count == 1 && reasons[0].contains("unread or unfinished"), "\(reasons)")
            #expect(!modest.isCut && !member.isCut)
        }
    }

    @Test("Strangers that together leave too much unfinished are disconnected until the rest is within the limit")
    func together() throws {
        try withLink { link, endpoint in
            let strangers = try (0..<12).map { _ in try RawPeer(at: endpoint) }
            for stranger in strangers { stranger.leaveUnfinished(100 << 10) }
            try receive(link) { _ in strangers.count(where: \.isCut) >= 7 }
            // 5 x 99 KiB are less than 512 KiB.
            #expect(strangers.count(where: \.isCut) <= 8)
        }
    }

    @Test("A message of too many parts ends its connection")
    func parts() throws {
        try withLink { link, endpoint in
            let stranger = try RawPeer(at: endpoint)
            let header = Header(kind: .statusRequest, step: 1).encoded()
            let part = [1, UInt8(header.count)] + header
            try stranger.sendBytes((0..<300).flatMap { _ in part } + [0, UInt8(header.count)] + header)
            var requests = 0
            try receive(link) { event in
                if case .message = event { requests += 1 }
                if case .lost = event { return true }
                return false
            }
            #expect(requests <= DeferredMessages.maximumOfPeer)
            #expect(stranger.isCut)
        }
    }

    @Test("Messages that a peer left unread when its connection ended do not end the connection that comes next")
    func late() throws {
        try withLink { link, endpoint in
            var stranger: RawPeer? = try RawPeer(at: endpoint)
            // More than it may send: its connection would be cut.
            try stranger?.sendPings(300, ofBytes: 1)
            stranger = nil
            let deadline = Deadline.after(.seconds(60))
            var hasEnded = false
            while !hasEnded {
                for case .ended in try link.connections.drainEvents() { hasEnded = true }
                try #require(!deadline.hasPassed(at: .now))
                usleep(1_000)
            }
            // The kernel gives it the lowest free descriptor.
            let honest = try RawPeer(at: endpoint)
            try honest.sendPings(1, ofBytes: 7)
            try receive(link) { event in
                guard case .message(_, let header, _) = event else { return honest.isCut }
                return header.offset == 7
            }
            #expect(!honest.isCut)
        }
    }

    @Test("A peer that chooses its routing ID is disconnected when it sends a message")
    func named() throws {
        try withLink { link, endpoint in
            let stranger = try RawPeer(at: endpoint, identity: [7, 7])
            try stranger.sendPings(1, ofBytes: 1)
            try receive(link) { event in
                if case .message = event { Issue.record("its message was received") }
                return stranger.isCut
            }
        }
    }
}

import Glibc
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("The table of connections")
struct ConnectionTableTests {
    @Test("Its thread checks a connection of which only the loop has read")
    func wakes() throws {
        let context = try Context(Context.Options(sharesReceiveBuffers: false))
        let router = SocketHolder(try context.socket(.router))
        var table: ConnectionTable?
        try router.use { router in
            let created = try ConnectionTable(
                try router.monitor(events: [.ending, .handshake, .listener]),
                limits: ConnectionLimits(gradientBytes: 0))
            table = created
            let peer = try RawPeer(at: try router.bind(.tcp(host: "127.0.0.1", port: 0)))
            // After this the monitor has no events left that could wake the thread.
            #expect(try created.drainEvents().count == 1, "the listening socket")
            try created.start()
            peer.leaveUnfinished(200 << 10)
            let deadline = Deadline.after(.seconds(60))
            while !peer.isCut {
                try #require(!deadline.hasPassed(at: .now))
                usleep(1_000)
            }
            let events = try created.drainEvents()
            #expect(events.contains { if case .cut = $0 { true } else { false } })
        }
        table?.close()
        router.close()
        try context.terminate()
    }
}

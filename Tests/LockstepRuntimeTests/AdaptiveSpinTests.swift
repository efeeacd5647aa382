import LockstepCluster
import LockstepSystem
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("Adaptive spinning")
struct AdaptiveSpinTests {
    @Test("It spins once waits have been short for a while, and not after long ones")
    func shortWaits() {
        var spin = AdaptiveSpin()
        #expect(!spin.shouldSpin)
        for _ in 0..<30 { spin.recordWait(100_000) }
        #expect(spin.shouldSpin)
        // One long wait, such as an evaluation, affects only the next few steps.
        spin.recordWait(5_000_000_000)
        #expect(!spin.shouldSpin)
        for _ in 0..<3 { spin.recordWait(100_000) }
        #expect(spin.shouldSpin)
        for _ in 0..<30 { spin.recordWait(3_000_000) }
        #expect(!spin.shouldSpin)
    }

    @Test("If another program computes on the core, the thread sleeps instead of spinning for a while")
    func preemption() {
        var spin = AdaptiveSpin()
        for _ in 0..<60 { spin.recordWait(1_000) }
        spin.recordPreemption(100_000)
        #expect(spin.shouldSpin)
        spin.recordPreemption(3_000_000)
        #expect(!spin.shouldSpin)
        for _ in 0..<499 { spin.recordWait(1_000) }
        #expect(!spin.shouldSpin)
        spin.recordWait(1_000)
        #expect(spin.shouldSpin)
    }

    @Test("A wait ends with a message or at its deadline, whether it spins or sleeps", arguments: [true, false])
    func ending(spins: Bool) throws {
        let context = try Context()
        let left = try context.socket(.pair)
        let right = try context.socket(.pair)
        try left.bind(inproc: "spin")
        try right.connect(inproc: "spin")
        var poller = Poller(context: context)
        let token = poller.add(right)
        var spin = AdaptiveSpin()
        if spins { for _ in 0..<60 { spin.recordWait(0) } }
        #expect(spin.shouldSpin == spins)
        #expect(try spin.wait(&poller, until: Instant.now.advanced(bySeconds: 0.002)) == .sockets)
        #expect(poller.events(for: token).isEmpty)
        #expect(spin.averageWait > 0)
        try left.send(Message(copying: [1]))
        #expect(try spin.wait(&poller, until: nil) == .sockets)
        #expect(poller.events(for: token) == .input)
        #expect(try spin.wait(&poller, until: nil, spinning: false) == .sockets)
        #expect(poller.events(for: token) == .input)
    }

    @Test(
        "Mail ends a wait before and after the thread says that it sleeps; sockets have their turn",
        arguments: [true, false])
    func mail(spins: Bool) throws {
        let context = try Context()
        let left = try context.socket(.pair)
        let right = try context.socket(.pair)
        try left.bind(inproc: "mail")
        try right.connect(inproc: "mail")
        var poller = Poller(context: context)
        let token = poller.add(right)
        var spin = AdaptiveSpin()
        if spins { for _ in 0..<60 { spin.recordWait(0) } }
        var looks = 0
        var flags: [Bool] = []
        /// The first look that finds a record.
        var arrival = 0
        func wait() throws -> AdaptiveSpin.Readiness {
            (looks, flags) = (0, [])
            let mail = AdaptiveSpin.Mail(
                nextTime: {
                    looks += 1
                    return looks >= arrival ? Instant(nanoseconds: 1) : nil
                },
                setAsleep: { flags.append($0) })
            return try spin.wait(&poller, until: nil, mail: mail)
        }
        arrival = 1
        #expect(try wait() == .sockets && flags.isEmpty && looks == 0)
        // Now and then a wait ends although there is mail.
        while try wait() != .mail {}
        #expect(flags.isEmpty && looks == 1)
        // A record that comes while the thread says that it sleeps: it must not sleep.
        if !spins {
            arrival = 2
            while try wait() != .mail {}
            #expect(flags == [true, false] && looks == 2)
        }
        // However much mail there is, the caller checks its deadlines now and then, and a message is found.
        arrival = 1
        while try wait() == .mail {}
        #expect(poller.events(for: token).isEmpty)
        try left.send(Message(copying: [1]))
        repeat { while try wait() == .mail {} } while poller.events(for: token).isEmpty
        #expect(poller.events(for: token) == .input)
    }

    @Test("A record that comes while the thread sleeps counts as a wake-up, unless its time is in the future")
    func wakeUps() throws {
        var poller = Poller(context: try Context())
        var spin = AdaptiveSpin()
        var (isAsleep, looks) = (false, 0)
        /// Sleeps for a millisecond, and then finds a record with this time.
        func sleep(_ time: Instant) throws {
            looks = 0
            let mail = AdaptiveSpin.Mail(
                nextTime: {
                    if isAsleep { looks += 1 }
                    return looks == 2 ? time : nil
                },
                setAsleep: { isAsleep = $0 })
            while looks < 2 { _ = try spin.wait(&poller, until: .now.advanced(bySeconds: 0.001), mail: mail) }
        }
        try sleep(.now)
        #expect(spin.wakeUps.count == 1 && spin.wakeUps.nanoseconds >= 1_000_000)
        try sleep(Instant(nanoseconds: 1))
        #expect(spin.wakeUps.count == 2 && spin.wakeUps.nanoseconds <= 16_000_000)
        try sleep(Instant.now.advanced(bySeconds: 3_600))
        #expect(spin.wakeUps.count == 2)
    }
}

import Glibc
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Synchronization
import Testing

@Suite("Clock, deadlines and threads")
struct ClockTests {
    @Test("Instants are ordered, and distant ones do not overflow")
    func instants() {
        let first = Instant.now
        let second = Instant.now
        #expect(first <= second)
        #expect(Instant(nanoseconds: 7).advanced(by: .nanoseconds(5)) == Instant(nanoseconds: 12))
        #expect(Instant(nanoseconds: 7).advanced(by: .seconds(-5)) == Instant(nanoseconds: 7))
        #expect(Instant(nanoseconds: 7).advanced(by: .seconds(Int64.max)) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: 12).since(Instant(nanoseconds: 7)) == .nanoseconds(5))
        #expect(Instant(nanoseconds: 7).since(Instant(nanoseconds: 12)) == .zero)
    }

    @Test("The time until a deadline is rounded up to milliseconds, for poll")
    func deadlines() {
        let deadline = Deadline(Instant(nanoseconds: 5_000_001))
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 0)) == 6)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 1)) == 5)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 5_000_000)) == 1)
        #expect(deadline.remainingMilliseconds(at: Instant(nanoseconds: 5_000_001)) == 0)
        #expect(deadline.hasPassed(at: Instant(nanoseconds: 5_000_001)))
        #expect(!deadline.hasPassed(at: Instant(nanoseconds: 5_000_000)))
        #expect(Deadline.never.remainingMilliseconds(at: Instant.now) == -1)
        #expect(!Deadline.never.hasPassed(at: Instant(nanoseconds: .max)))
        #expect(Deadline(Instant(nanoseconds: .max)).remainingMilliseconds(at: Instant(nanoseconds: 0)) == .max)
        #expect(Deadline.earlier(deadline, .never) == deadline)
        #expect(Deadline.earlier(Deadline(Instant(nanoseconds: 3)), deadline) == Deadline(Instant(nanoseconds: 3)))
    }

    @Test("A thread runs its function once, under its name, and can be waited for")
    func thread() throws {
        let heard = Names()
        try LockstepSystem.Thread(name: "a-name-longer-than-fifteen") {
            heard.list.withLock { $0.append((try? text(of: "/proc/thread-self/comm")) ?? "") }
        }.join()
        #expect(heard.list.withLock { $0 } == ["a-name-longer-t\n"])
    }

    private final class Names: Sendable {
        let list = Mutex<[String]>([])
    }

    @Test("The host has a name and cores, and this process has memory and a program")
    func host() throws {
        #expect(!Host.name.isEmpty)
        #expect(Host.processID == getpid())
        #expect((1...8_192).contains(Host.coreCount))
        #expect(Host.peakResidentBytes > 1 << 20)
        #expect(try Host.executablePath.hasPrefix("/"))
    }
}

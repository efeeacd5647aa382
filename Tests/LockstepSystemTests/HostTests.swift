import Glibc
import LockstepSystem
import LockstepTesting
import Synchronization
import Testing

@Suite("Threads and the host")
struct HostTests {
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

import Glibc
import Testing

@testable import LockstepSystem

@Suite("Sets of cores")
struct CoreSetTests {
    @Test("The cores of a set are told apart, each alone, and there are no others")
    func cores() throws {
        let all = CoreSet.current
        #expect(all.count == Host.coreCount)
        let cores = try (0..<all.count).map { try #require(all.core($0)) }
        #expect(cores.allSatisfy { $0.count == 1 && $0.core(0) == $0 && $0.core(1) == nil })
        #expect(cores.indices.allSatisfy { !cores[..<$0].contains(cores[$0]) })
        #expect(all.core(all.count) == nil)
        #expect(all.core(-1) == nil)
    }

    @Test("A process bound to a core runs there with all its threads, those that it starts later included")
    func binding() async throws {
        await #expect(processExitsWith: .success) {
            let all = CoreSet.current
            guard let last = all.core(all.count - 1) else { exit(1) }
            let (isBound, isRead) = (Barrier(), Barrier())
            let seen = Guarded<[CoreSet]>([])
            let early = try Thread(name: "early") {
                isBound.wait()
                seen.withLock { $0.append(.current) }
                isRead.open()
            }
            guard last.bindThisProcess() else { exit(2) }
            isBound.open()
            isRead.wait()
            let late = try Thread(name: "late") { seen.withLock { $0.append(.current) } }
            early.join()
            late.join()
            exit(seen.withLock { $0 } == [last, last] && CoreSet.current == last ? 0 : 3)
        }
    }

    @Test("No process can be bound to no core")
    func nothing() {
        #expect(!CoreSet().bindThisProcess())
    }
}

/// Holds threads until it is opened.
private final class Barrier: @unchecked Sendable {
    private let bell: UnsafeMutablePointer<sem_t>

    init() {
        bell = .allocate(capacity: 1)
        sem_init(bell, 0, 0)
    }

    deinit {
        sem_destroy(bell)
        bell.deallocate()
    }

    func open() { sem_post(bell) }
    func wait() { while sem_wait(bell) != 0 && errno == EINTR {} }
}

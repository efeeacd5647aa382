import CLinux
import Glibc
import Testing

@testable import LockstepSystem

@Suite("A process's threads and the cores")
struct ProcessThreadsTests {
    @Test("Each place of a set is a different core, and there are no other places")
    func cores() throws {
        let all = CoreSet.current
        #expect(all.count == Host.allowedCoreCount)
        let cores = try (0..<all.count).map { try #require(all.core($0)) }
        #expect(cores.allSatisfy { $0.count == 1 && $0.core(0) == $0 && $0.core(1) == nil })
        #expect(cores.indices.allSatisfy { !cores[..<$0].contains(cores[$0]) })
        #expect(all.core(all.count) == nil)
        #expect(all.core(-1) == nil)
    }

    @Test("A setting of all threads reaches the existing ones and those that they start")
    func all() async throws {
        await #expect(processExitsWith: .success) {
            let anywhere = CoreSet.current
            guard let last = anywhere.core(anywhere.count - 1) else { exit(1) }
            let (isChanged, isRead) = (Gate(), Gate())
            let seen = Locked<[(CoreSet, Int32)]>([])
            let early = try Thread(name: "early") {
                isChanged.wait()
                seen.withLock { $0.append((.current, linux_scheduling_policy(0))) }
                isRead.open()
            }
            guard ProcessThreads.bind(to: last), ProcessThreads.setBatchScheduling(true) else { exit(2) }
            isChanged.open()
            isRead.wait()
            let late = try Thread(name: "late") { seen.withLock { $0.append((.current, linux_scheduling_policy(0))) } }
            early.join()
            late.join()
            guard seen.withLock({ $0.count == 2 && $0.allSatisfy { $0 == (last, linux_scheduling_batch) } }) else {
                exit(3)
            }
            guard ProcessThreads.bind(to: anywhere), ProcessThreads.setBatchScheduling(false) else { exit(4) }
            exit(CoreSet.current == anywhere && linux_scheduling_policy(0) == linux_scheduling_other ? 0 : 5)
        }
    }

    @Test("Threads started with batch scheduling have it, and the thread that started them does not")
    func starting() throws {
        let (before, seen) = (linux_scheduling_policy(0), Locked<Int32>(-1))
        var thread: Thread?
        try Thread.withBatchScheduling {
            thread = try Thread(name: "batch") { seen.withLock { $0 = linux_scheduling_policy(0) } }
        }
        thread.take()?.join()
        #expect(seen.withLock { $0 } == linux_scheduling_batch)
        #expect(linux_scheduling_policy(0) == before)
        #expect(throws: SystemError.self) {
            try Thread.withBatchScheduling { () throws(SystemError) in throw SystemError("start", code: EAGAIN) }
        }
        #expect(linux_scheduling_policy(0) == before)
    }

    @Test("A thread whose scheduling the user has chosen keeps it and passes it on")
    func chosen() async throws {
        await #expect(processExitsWith: .success) {
            _ = linux_set_scheduling_policy(0, linux_scheduling_batch)
            let hasDefaultScheduling = Thread.hasDefaultScheduling
            let seen = Thread.withBatchScheduling { linux_scheduling_policy(0) }
            exit(!hasDefaultScheduling && seen == linux_scheduling_batch && !Thread.hasDefaultScheduling ? 0 : 1)
        }
    }

    @Test("The meter counts the waits of the other threads that existed when it was made, and they grow")
    func waits() async throws {
        await #expect(processExitsWith: .success) {
            let (isAsked, isAnswered) = (Gate(), Gate())
            let thread = try Thread(name: "waiting") {
                for _ in 0..<100 {
                    isAsked.wait()
                    isAnswered.open()
                }
                isAsked.wait()
            }
            let meter = CoreWaitMeter()
            let first = meter.waits
            for _ in 0..<100 {
                // The sleeping thread gets a core at least fifty times; the thread that made the meter gets one a
                // hundred times more often.
                usleep(1_000)
                isAsked.open()
                isAnswered.wait()
            }
            let second = meter.waits
            isAsked.open()
            thread.join()
            let count = second.count - first.count
            exit(
                (50...150).contains(count) && second.nanoseconds >= first.nanoseconds
                    && meter.waits.count < second.count ? 0 : 1)
        }
    }

    @Test("Binding a process to an empty set fails")
    func nothing() throws {
        let all = CoreSet.current
        #expect(!ProcessThreads.bind(to: CoreSet()))
        #expect(CoreSet.current == all)
    }
}

/// Holds a thread until it is opened. Each opening lets one wait through.
private final class Gate: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() { sem_post(semaphore) }
    func wait() { _ = retryingInterrupts { sem_wait(semaphore) } }
}

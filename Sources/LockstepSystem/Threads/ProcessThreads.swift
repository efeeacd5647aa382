import CLinux
import Glibc

/// Settings of all threads of this process. A thread that is started later inherits them from the thread that starts
/// it.
package enum ProcessThreads {
    /// Restricts all threads to these cores.
    ///
    /// - Returns: Whether the system accepted it for every thread.
    @discardableResult
    package static func bind(to cores: CoreSet) -> Bool {
        forEach { cores.bind($0) }
    }

    /// Gives all threads the batch policy (SCHED_BATCH: when they wake, they do not preempt a running thread) or the
    /// default one (SCHED_OTHER).
    ///
    /// - Returns: Whether the system accepted it for every thread.
    @discardableResult
    package static func setBatchScheduling(_ isBatch: Bool) -> Bool {
        forEach {
            linux_set_scheduling_policy($0, isBatch ? linux_scheduling_batch : linux_scheduling_other) == 0
                ? 0 : errno
        }
    }

    /// Calls `body` for each thread of the process.
    ///
    /// - Parameter body: Gets a thread's number; returns 0 or an error number.
    /// - Returns: Whether it returned 0 for all threads, except for those that have ended meanwhile (ESRCH).
    private static func forEach(_ body: (Int32) -> Int32) -> Bool {
        guard let threads = try? names(in: "/proc/self/task") else { return false }
        var succeeds = true
        for name in threads {
            guard let thread = Int32(name), case let code = body(thread), code != 0, code != ESRCH else { continue }
            succeeds = false
        }
        return succeeds
    }

    /// The numbers of the threads.
    fileprivate static var all: [Int32] {
        var threads: [Int32] = []
        _ = forEach { thread in
            threads.append(thread)
            return 0
        }
        return threads
    }
}

/// How long threads have waited for a core, and how often they got one.
package struct CoreWaits: Equatable {
    /// The waiting times of all threads, added up.
    package var nanoseconds: UInt64
    /// How often a thread got a core.
    package var count: UInt64

    package init(nanoseconds: UInt64 = 0, count: UInt64 = 0) {
        self.nanoseconds = nanoseconds
        self.count = count
    }

    package static func + (first: CoreWaits, second: CoreWaits) -> CoreWaits {
        CoreWaits(nanoseconds: first.nanoseconds &+ second.nanoseconds, count: first.count &+ second.count)
    }
}

/// Measures how long the process's threads wait for a core: the threads that existed when the meter was made, except
/// the one that made it. Reading the meter allocates nothing.
package final class CoreWaitMeter {
    private let files: [Int32]

    /// Makes a meter of the other threads.
    package init() {
        let own = linux_thread_id()
        files = ProcessThreads.all.filter { $0 != own }.map {
            open("/proc/self/task/\($0)/schedstat", O_RDONLY | O_CLOEXEC)
        }.filter { $0 >= 0 }
    }

    deinit {
        for file in files { close(file) }
    }

    /// The waits since the threads started. Threads that have ended do not count.
    package var waits: CoreWaits {
        var sum = CoreWaits()
        for file in files {
            withUnsafeTemporaryAllocation(byteCount: 96, alignment: 1) { bytes in
                let count = pread(file, bytes.baseAddress, bytes.count, 0)
                guard count > 0 else { return }
                // proc(5): nanoseconds on a core, nanoseconds of waiting for a core, how often the thread got one.
                var numbers: (UInt64, UInt64, UInt64) = (0, 0, 0)
                for byte in bytes[..<count] {
                    if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                        numbers.2 = numbers.2 &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
                    } else if byte == UInt8(ascii: " ") {
                        numbers = (numbers.1, numbers.2, 0)
                    }
                }
                sum.nanoseconds &+= numbers.1
                sum.count &+= numbers.2
            }
        }
        return sum
    }
}

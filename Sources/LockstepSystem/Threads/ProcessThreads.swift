import CLinux
import Glibc

/// All threads that this process has, to be treated alike. Those that they start are as they are.
package enum ProcessThreads {
    /// Lets them run on these cores alone.
    ///
    /// - Returns: Whether the system had nothing against it.
    @discardableResult
    package static func bind(to cores: CoreSet) -> Bool {
        forEach { cores.bind($0) }
    }

    /// Lets them take a core from another thread when they wake, or wait until there is one (SCHED_BATCH).
    ///
    /// - Returns: Whether the system had nothing against it.
    @discardableResult
    package static func wake(patiently isPatient: Bool) -> Bool {
        forEach {
            linux_set_scheduling_policy($0, isPatient ? linux_scheduling_batch : linux_scheduling_other) == 0
                ? 0 : errno
        }
    }

    /// - Parameter body: Given a thread's number; returns 0 or what the system has against it.
    /// - Returns: Whether that was 0 for all. A thread that has ended in between does not matter.
    private static func forEach(_ body: (Int32) -> Int32) -> Bool {
        guard let folder = opendir("/proc/self/task") else { return false }
        defer { closedir(folder) }
        var succeeds = true
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let thread = Int32(name), case let code = body(thread), code != 0, code != ESRCH else { continue }
            succeeds = false
        }
        return succeeds
    }

    /// The threads' numbers.
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
    /// Waited altogether.
    package var nanoseconds: UInt64
    /// Times that a core was got.
    package var count: UInt64

    package init(nanoseconds: UInt64 = 0, count: UInt64 = 0) {
        self.nanoseconds = nanoseconds
        self.count = count
    }
}

/// Tells what the threads have waited that this process had, beside the one that made the meter. Reading it allocates
/// nothing.
package final class CoreWaitMeter {
    private let files: [Int32]

    package init() {
        let own = linux_thread_id()
        files = ProcessThreads.all.filter { $0 != own }.map {
            open("/proc/self/task/\($0)/schedstat", O_RDONLY | O_CLOEXEC)
        }.filter { $0 >= 0 }
    }

    deinit {
        for file in files { close(file) }
    }

    /// Waits since the threads began; those that have ended are left out.
    package var waits: CoreWaits {
        var sum = CoreWaits()
        for file in files {
            withUnsafeTemporaryAllocation(byteCount: 96, alignment: 1) { bytes in
                let count = pread(file, bytes.baseAddress, bytes.count, 0)
                guard count > 0 else { return }
                // proc(5): nanoseconds on a core, nanoseconds waiting for one, how often it got one.
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

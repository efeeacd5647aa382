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
        forEach { linux_set_policy($0, isPatient ? linux_policy_batch : linux_policy_other) == 0 ? 0 : errno }
    }

    /// How long threads have waited for a core, and how often they got one.
    package struct Waits: Equatable {
        package var nanoseconds: UInt64 = 0
        package var count: UInt64 = 0

        package init(nanoseconds: UInt64 = 0, count: UInt64 = 0) {
            self.nanoseconds = nanoseconds
            self.count = count
        }
    }

    /// What the threads beside the calling one have waited since they began.
    package static var waitsOfOthers: Waits {
        var sum = Waits()
        let caller = linux_thread_id()
        _ = forEach { thread in
            // proc(5): nanoseconds on a core, nanoseconds waiting for one, how often it got one.
            if thread != caller, let numbers = numbers(inFile: "/proc/self/task/\(thread)/schedstat"),
                numbers.count == 3
            {
                sum.nanoseconds &+= numbers[1]
                sum.count &+= numbers[2]
            }
            return 0
        }
        return sum
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

    /// The numbers of a short file; nil if it cannot be read.
    private static func numbers(inFile path: String) -> [UInt64]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap {
            UInt64($0)
        }
    }
}

import CLinux
import Glibc
import LockstepText

/// Properties of this host and this process.
package enum Host {
    /// The host's name in the network.
    package static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return buffer.withUnsafeBufferPointer { String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) }
    }

    package static var processID: Int32 { getpid() }

    /// The number of CPUs that this thread may run on, which `taskset` and containers limit. At least 1.
    package static var allowedCoreCount: Int { max(1, CoreSet.current.count) }

    /// The number of cores whose time this process can use: a quota of its control groups may leave it fewer than it may
    /// run on. A part of a core counts as one. At least 1.
    package static var coreCount: Int {
        guard let quota else { return allowedCoreCount }
        return max(1, Int(min(Double(allowedCoreCount), quota.rounded(.up))))
    }

    private static let quota = CPUQuota.cores()

    /// The processor's name, such as `AMD EPYC 9B14`; nil if /proc does not say.
    package static var processorName: String? {
        guard let file = try? FileDescriptor(opening: "/proc/cpuinfo", flags: O_RDONLY) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        guard let count = try? file.read(into: &buffer) else { return nil }
        return processorName(in: String(decoding: buffer.prefix(count), as: UTF8.self))
    }

    /// The name of the first processor in the text of /proc/cpuinfo; nil if there is none.
    static func processorName(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
            let colon = line.firstIndex(of: ":")
        else { return nil }
        let name = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return name.isEmpty ? nil : name
    }

    /// The mean number of threads that ran or waited for a core during the last minute; nil if the system does not say.
    package static var loadAverage: Double? {
        var average = 0.0
        return getloadavg(&average, 1) == 1 ? average : nil
    }

    /// Bytes of main memory and swap; nil if the system does not say.
    package static var memoryBytes: Int? {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        guard pages > 0, size > 0 else { return nil }
        return pages * size + swapBytes
    }

    /// Bytes of swap, 0 if /proc does not say.
    private static var swapBytes: Int {
        guard let file = try? FileDescriptor(opening: "/proc/meminfo", flags: O_RDONLY) else { return 0 }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        guard let count = try? file.read(into: &buffer) else { return 0 }
        let lines = String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n")
        let words = lines.first { $0.hasPrefix("SwapTotal:") }?.split(separator: " ") ?? []
        return 1_024 * (words.count > 1 ? Int(words[1]) ?? 0 : 0)
    }

    /// The largest resident memory of this process so far, in bytes.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
        // Kibibytes on Linux.
        return usage.ru_maxrss * 1024
    }

    /// The path of this process's program, with links resolved. Without /proc, as in a chroot, it is the path by which the
    /// program was started.
    package static var executablePath: String {
        get throws(SystemError) {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            if count >= 0 { return String(path: buffer.prefix(count)) }
            let failure = SystemError.last("read", path: "/proc/self/exe")
            guard let name = linux_started_path(), let path = realpath(name, nil) else { throw failure }
            defer { free(path) }
            return String(path: UnsafePointer(path))
        }
    }

    /// Sets the limit of open files of this process, and of the processes that it starts later, to the most that the
    /// system allows without privileges, minus a reserve. Each connection is an open file.
    ///
    /// - Parameter reserve: The difference to the most that is allowed. Open files stay open.
    /// - Returns: The new limit.
    /// - Throws: `SystemError` if the limit cannot be changed.
    @discardableResult
    package static func raiseDescriptorLimit(reserving reserve: Int = 0) throws(SystemError) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .last("read the limit of open files")
        }
        let wanted = max(1, Int(min(limit.rlim_max, 1 << 30)) - reserve)
        guard Int(clamping: limit.rlim_cur) != wanted else { return wanted }
        limit.rlim_cur = rlim_t(wanted)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .last("raise the limit of open files")
        }
        return wanted
    }
}

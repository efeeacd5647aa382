import Glibc

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
    package static var coreCount: Int { max(1, CoreSet.current.count) }

    /// The largest resident memory of this process so far, in bytes.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
        // Kibibytes on Linux.
        return usage.ru_maxrss * 1024
    }

    /// The path of this process's program, with links resolved.
    package static var executablePath: String {
        get throws(SystemError) {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            guard count >= 0 else { throw .last("read", path: "/proc/self/exe") }
            return String(decoding: buffer.prefix(count), as: UTF8.self)
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

import Glibc

/// A limit that the system sets this process: setrlimit(2), `ulimit`.
package enum ResourceLimit: Sendable {
    /// Bytes of all mappings together (`ulimit -v`).
    case addressSpace
    /// Files that can be open at once (`ulimit -n`).
    case openFiles

    /// The limit that holds now; nil if there is none.
    package var value: Int? {
        var limit = rlimit()
        let resource = self == .addressSpace ? RLIMIT_AS : RLIMIT_NOFILE
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else {
            return nil
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Whether this process could map so many more bytes now.
    package static func canMap(bytes: Int) -> Bool {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard bytes > 0, let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED else {
            return bytes <= 0
        }
        munmap(base, bytes)
        return true
    }
}

import CLinux
import Glibc

/// CPUs of this machine.
package struct CoreSet: Equatable, Sendable {
    /// Room for 8,192 CPUs, the most that Linux is built for.
    private var mask = [UInt64](repeating: 0, count: 128)

    /// Those that the calling thread may run on; empty if the system does not tell.
    package static var current: CoreSet {
        var set = CoreSet()
        let bytes = set.mask.withUnsafeMutableBytes { linux_affinity($0.baseAddress, $0.count) }
        return bytes > 0 ? set : CoreSet()
    }

    package var count: Int { mask.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The one CPU of them that has so many before it; nil if there is none.
    package func core(_ place: Int) -> CoreSet? {
        var left = place
        for (index, word) in mask.enumerated() {
            for bit in 0..<UInt64.bitWidth where word >> bit & 1 == 1 {
                if left == 0 {
                    var core = CoreSet()
                    core.mask[index] = 1 << bit
                    return core
                }
                left -= 1
            }
        }
        return nil
    }

    /// Lets all threads that this process has run on these alone, and those that they start.
    ///
    /// - Returns: Whether the system had nothing against it.
    @discardableResult
    package func bindThisProcess() -> Bool {
        guard let folder = opendir("/proc/self/task") else { return false }
        defer { closedir(folder) }
        var isBound = true
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let thread = Int32(name) else { continue }
            let result = mask.withUnsafeBytes { linux_set_affinity(thread, $0.baseAddress, $0.count) }
            // One that has ended in between is bound to nothing.
            if result != 0 && errno != ESRCH { isBound = false }
        }
        return isBound
    }
}

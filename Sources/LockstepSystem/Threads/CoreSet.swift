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

    /// How many they are.
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

    /// Lets a thread of this process run on these alone: 0, or what the system has against it.
    func bind(_ thread: Int32) -> Int32 {
        mask.withUnsafeBytes { linux_set_affinity(thread, $0.baseAddress, $0.count) } == 0 ? 0 : errno
    }
}

import CLinux
import Glibc

/// A set of CPUs of this host.
package struct CoreSet: Equatable, Sendable {
    /// One bit for each CPU. Linux supports at most 8,192 CPUs.
    private var mask = [UInt64](repeating: 0, count: 128)

    /// The CPUs that the calling thread may run on; empty if the system does not say.
    package static var current: CoreSet {
        var set = CoreSet()
        let bytes = set.mask.withUnsafeMutableBytes { linux_affinity($0.baseAddress, $0.count) }
        return bytes > 0 ? set : CoreSet()
    }

    /// An empty set.
    init() {}

    /// The CPUs with these numbers; those that Linux does not support are left out.
    init(_ numbers: [Int]) {
        for number in numbers where (0..<mask.count * UInt64.bitWidth).contains(number) {
            mask[number / UInt64.bitWidth] |= 1 << UInt64(number % UInt64.bitWidth)
        }
    }

    /// How many CPUs are in the set.
    package var count: Int { mask.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Whether the CPU with this number is in the set.
    func contains(_ number: Int) -> Bool {
        let bits = UInt64.bitWidth
        guard (0..<mask.count * bits).contains(number) else { return false }
        return mask[number / bits] >> (number % bits) & 1 == 1
    }

    /// The set with only the CPU at this place, counted from 0 in the order of CPU numbers; nil if the set has fewer
    /// CPUs.
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

    /// Restricts a thread of this process to these CPUs. Returns 0 or an error number.
    func bind(_ thread: Int32) -> Int32 {
        mask.withUnsafeBytes { linux_set_affinity(thread, $0.baseAddress, $0.count) } == 0 ? 0 : errno
    }
}

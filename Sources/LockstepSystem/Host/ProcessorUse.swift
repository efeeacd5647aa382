import Glibc
import LockstepTimeline

/// The processor time that other programs take, from one moment on.
///
/// /proc/stat counts how long each CPU was not idle, in ticks of 10 ms; time that a hypervisor gave to other machines
/// counts as well. What this process and its ended child processes used is subtracted. In a container /proc/stat shows the
/// whole host, and so only the CPUs on which this process may run count; where the container's CPUs have other numbers
/// there (lxcfs), all of them do.
package struct ProcessorUse: Sendable {
    private let stat: String
    private let cores: CoreSet
    private let start: Instant
    private let used: Double?
    private let own: Double

    /// Starts to count.
    ///
    /// - Parameter stat: The file with the CPUs' times.
    package init(stat: String = "/proc/stat") {
        self.stat = stat
        cores = CoreSet.current
        start = .now
        own = Self.ownSeconds
        used = Self.usedSeconds(stat, cores)
    }

    /// Processor seconds that other programs have used in each second since the start; nil if the file cannot be read, or
    /// if less than a few ticks have passed.
    package var byOthers: Double? {
        let elapsed = Instant.now.seconds(since: start)
        guard elapsed >= Self.minimumSeconds, let used, let now = Self.usedSeconds(stat, cores) else { return nil }
        return Self.byOthers(used: now - used, own: Self.ownSeconds - own, elapsed: elapsed)
    }

    /// Three ticks.
    private static let minimumSeconds = 0.03

    static func byOthers(used: Double, own: Double, elapsed: Double) -> Double? {
        guard elapsed > 0, used.isFinite, own.isFinite else { return nil }
        return max(0, (used - own) / elapsed)
    }

    /// Processor seconds of this process and of its child processes that have ended.
    private static var ownSeconds: Double {
        var usage = rusage()
        guard getrusage(RUSAGE_CHILDREN.rawValue, &usage) == 0 else { return ProcessorClock.processSeconds }
        let children = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
        return ProcessorClock.processSeconds + children
    }

    private static func usedSeconds(_ stat: String, _ cores: CoreSet) -> Double? {
        guard let text = content(of: stat) else { return nil }
        return usedSeconds(text: text, cores: cores, ticksPerSecond: Double(max(1, sysconf(Int32(_SC_CLK_TCK)))))
    }

    /// The seconds that CPUs were not idle.
    ///
    /// - Parameters:
    ///   - text: The content of /proc/stat (proc_stat(5)). A CPU's line is `cpu3 user nice system idle iowait irq softirq
    ///     steal ...`; guests' time is part of the user time.
    ///   - cores: The CPUs that count; all, if one of these has no line.
    ///   - ticksPerSecond: The unit of the numbers.
    /// - Returns: Their sum; nil if there is no such line.
    static func usedSeconds(text: String, cores: CoreSet, ticksPerSecond: Double) -> Double? {
        var ticks: [Int: Double] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("cpu") {
            let fields = line.split(separator: " ")
            guard fields.count >= 5, let core = Int(fields[0].dropFirst(3)) else { continue }
            let times = fields.dropFirst().prefix(8).compactMap { Double($0) }
            guard times.count == min(8, fields.count - 1) else { continue }
            // Idle and waiting for a disk.
            ticks[core] = times.enumerated().reduce(0) { $0 + ([3, 4].contains($1.offset) ? 0 : $1.element) }
        }
        guard !ticks.isEmpty else { return nil }
        let counted = ticks.filter { cores.contains($0.key) }
        let isComplete = counted.count == cores.count && !counted.isEmpty
        return (isComplete ? counted : ticks).values.reduce(0, +) / ticksPerSecond
    }

    /// A file of /proc, which gives a part with each read; nil if it cannot be read.
    private static func content(of path: String) -> String? {
        guard let file = try? FileDescriptor(opening: path, flags: O_RDONLY) else { return nil }
        var (content, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while content.count < maximumBytes {
            guard let count = try? file.read(into: &buffer) else { return nil }
            if count == 0 { break }
            content += buffer.prefix(count)
        }
        return String(decoding: content, as: UTF8.self)
    }

    private static let maximumBytes = 4 << 20
}

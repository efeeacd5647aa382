/// How much of this machine other programs use while figures are measured on it.
///
/// There are two signs of a busy machine, because each one is missing somewhere:
/// - The measuring thread got less processor time than has elapsed: another thread ran on its core, or the quota of a
///   control group stopped it. The thread's own clock shows that, in every container and without /proc.
/// - Other programs use so many cores that too few are left for the processes that are to compute. The kernel moves a
///   single measuring thread away from a busy core, so the first sign is missing; two workers then share a core.
///
/// The load average is no sign: it still counts a program that ended half a minute ago.
package struct MachineLoad: Hashable, Sendable {
    /// Processor seconds that other programs use in a second; nil if the system does not say.
    package var usedByOthers: Double?
    /// The part of the elapsed time in which the measuring thread ran, from 0 to 1.
    package var threadShare: Double
    /// Cores on which this process may run, at least 1.
    package var cores: Int

    package init(usedByOthers: Double?, threadShare: Double = 1, cores: Int) {
        self.usedByOthers = usedByOthers.map { max(0, $0) }
        self.threadShare = threadShare.isFinite ? min(1, max(0, threadShare)) : 1
        self.cores = max(1, cores)
    }

    /// A machine without other programs.
    package static func idle(cores: Int) -> MachineLoad { MachineLoad(usedByOthers: 0, cores: cores) }

    /// A thread whose part of the time is smaller competes for its core. Interrupts take a few hundredths.
    private static let minimumShare = 0.85
    /// Cores that may be missing: the clock ticks of /proc/stat are too coarse for less in the time of a calibration.
    private static let tolerance = 0.4

    /// Whether figures of so many computing processes cannot be trusted.
    package func isBusy(computing processes: Int) -> Bool {
        if threadShare < Self.minimumShare { return true }
        guard let usedByOthers else { return false }
        return Double(cores) - usedByOthers < Double(min(processes, cores)) - Self.tolerance
    }

    /// By which factor the figures of a busy machine may be wrong, at least 2.
    package var uncertainty: Int {
        max(2, Int((1 / max(0.01, threadShare)).rounded(.up)))
    }
}

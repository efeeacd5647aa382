import ArgumentParser
import LockstepRuns
import LockstepSystem
import LockstepText

/// `--processes` of `worker`: a number, or `auto` for one process for each core that this one may use.
struct ProcessCount: ExpressibleByArgument, Equatable {
    let count: Int
    let isAutomatic: Bool

    init(_ count: Int) {
        (self.count, isAutomatic) = (count, false)
    }

    init?(argument: String) {
        isAutomatic = argument == "auto"
        if isAutomatic {
            count = min(Host.coreCount, RunLimits.workers.upperBound)
        } else if let count = Int(argument) {
            self.count = count
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { isAutomatic ? "auto" : "\(count)" }

    /// - Throws: `CommandError` for a number of processes that no command can start.
    func checked() throws -> Int {
        guard RunLimits.workers.contains(count) else {
            throw CommandError(
                .usage, "--processes \(count): give 1 to \(grouped(RunLimits.workers.upperBound)) worker processes")
        }
        return count
    }
}

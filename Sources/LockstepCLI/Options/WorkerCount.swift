import ArgumentParser
import LockstepSystem

/// `--workers`: a number, or `auto` for one worker a core, of which as many compute as are fastest.
struct WorkerCount: ExpressibleByArgument, Equatable {
    /// More processes than this on one host are a mistake.
    static let maximum = 1_024

    let count: Int
    /// Whether only as many compute as are fastest.
    let isAutomatic: Bool

    init?(argument: String) {
        isAutomatic = argument == "auto"
        if isAutomatic {
            count = min(Host.coreCount, Self.maximum)
        } else if let count = Int(argument) {
            self.count = count
        } else {
            return nil
        }
    }

    /// - Throws: `UsageError` for a number of workers that no run can have.
    func checked() throws -> Int {
        guard count >= 1 else {
            throw UsageError(
                "--workers \(count): a run has at least one worker; leave --workers out to train in this process")
        }
        guard count <= Self.maximum else {
            throw UsageError("--workers \(count): a run has at most \(Self.maximum) workers")
        }
        return count
    }
}

/// `--workers` of a coordinator: the number that it waits for, and the most that it admits.
struct WorkerRange: ExpressibleByArgument, Equatable {
    let minimum: Int
    let maximum: Int

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        switch parts.count {
        case 1:
            guard let number = parts[0] else { return nil }
            (minimum, maximum) = (number, number)
        case 2:
            guard let first = parts[0], let last = parts[1] else { return nil }
            (minimum, maximum) = (first, last)
        default:
            return nil
        }
    }

    /// - Throws: `UsageError` for a range that no run can have.
    func checked() throws -> ClosedRange<Int> {
        guard minimum >= 1 else { throw UsageError("--workers \(minimum): a run has at least one worker") }
        guard maximum >= minimum else {
            throw UsageError("--workers \(minimum):\(maximum): the second number is the most workers admitted")
        }
        guard maximum <= WorkerCount.maximum else {
            throw UsageError("--workers \(maximum): a run has at most \(WorkerCount.maximum) workers")
        }
        return minimum...maximum
    }
}

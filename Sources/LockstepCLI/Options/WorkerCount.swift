import ArgumentParser
import LockstepCostModel
import LockstepRuns
import LockstepSystem
import LockstepText

/// `--workers` of `train`: a number, or `auto` for one worker a core, of which the fastest number computes.
struct WorkerCount: ExpressibleByArgument, Equatable {
    let count: Int
    /// Whether the run chooses how many of the workers compute.
    let isAutomatic: Bool

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

    /// - Throws: `CommandError` for a number of workers that no run can have.
    func checked() throws -> Int {
        guard count >= 1 else {
            throw CommandError(
                .usage,
                "--workers \(count): a run has at least one worker; leave --workers out to train in this process")
        }
        guard count <= RunLimits.workers.upperBound else {
            throw CommandError(
                .usage, "--workers \(count): a run has at most \(grouped(RunLimits.workers.upperBound)) workers")
        }
        return count
    }
}

/// `--workers 1,2,4` of `bench`.
struct WorkerCountList: ExpressibleByArgument, Hashable {
    let counts: [Int]

    init(counts: [Int]) {
        self.counts = counts
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.contains(nil) else { return nil }
        counts = parts.compactMap(\.self)
    }

    var defaultValueDescription: String { counts.map(String.init).joined(separator: ",") }

    /// - Throws: `CommandError` for a number of workers that no run can have.
    func check() throws {
        let maximum = RunLimits.workers.upperBound
        for count in counts where !RunLimits.workers.contains(count) {
            throw CommandError(.usage, "--workers \(count): give numbers from 1 to \(grouped(maximum))")
        }
        guard Set(counts).count == counts.count, counts.count <= 16 else {
            throw CommandError(.usage, "--workers \(defaultValueDescription): give up to 16 different numbers")
        }
    }
}

/// `--hosts 4x8,16x8` of `bench`.
struct HostLayoutList: ExpressibleByArgument, Hashable {
    static let maximumCount = 16

    let layouts: [HostLayout]

    init?(argument: String) {
        let layouts = argument.split(separator: ",", omittingEmptySubsequences: false).map { HostLayout($0) }
        guard layouts.count <= Self.maximumCount, !layouts.contains(nil) else { return nil }
        self.layouts = layouts.compactMap(\.self)
    }
}

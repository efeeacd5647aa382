import Foundation
import LockstepArtifacts

/// What came of a series of runs under chaos.
struct ChaosResult: Encodable {
    struct Run: Encodable {
        /// Repeats this run alone: `--seed SEED --runs 1`.
        let seed: UInt64
        let injected: [String: Int]
        let planned: Int
        let isEqual: Bool
        let problems: [String]
        let weightsSHA256: String?
        let workersLost: Int?
        let workersJoined: Int?
        let shardsReassigned: Int?
        let maxStepGapMs: Double?
        let redoneSteps: [UInt64]
        /// Steps that pass between two of its checkpoints, on average.
        let checkpointIntervalSteps: Int?
    }

    struct Gap: Encodable {
        let median: Double
        let p99: Double
        let maximum: Double

        /// Of at least one value; a percentile is the smallest value that so many are not above.
        init?(_ values: [Double]) {
            let sorted = values.sorted()
            guard let last = sorted.last else { return nil }
            func percentile(_ part: Double) -> Double {
                sorted[max(0, Int((part * Double(sorted.count)).rounded(.up)) - 1)]
            }
            median = percentile(0.5)
            p99 = percentile(0.99)
            maximum = last
        }
    }

    let weightsSHA256: String
    let steps: Int
    let undisturbedMaxStepGapMs: Double?
    private let checkpointSeconds: Double
    var runs: [Run] = []

    /// - Parameters:
    ///   - undisturbed: What the runs are compared with.
    ///   - checkpointSeconds: Between two checkpoints.
    init(undisturbed: RunSummary, checkpointSeconds: Double) {
        self.checkpointSeconds = checkpointSeconds
        weightsSHA256 = undisturbed.weightsSHA256
        steps = undisturbed.steps
        undisturbedMaxStepGapMs = undisturbed.maxStepGapMilliseconds
    }

    mutating func add(_ outcome: ChaosOutcome, seed: UInt64, isEqual: Bool) {
        let summary = outcome.summary
        let injected = outcome.injected.map { ($0.key.rawValue, $0.value) }
        runs.append(
            Run(
                seed: seed, injected: Dictionary(uniqueKeysWithValues: injected), planned: outcome.planned,
                isEqual: isEqual, problems: outcome.problems, weightsSHA256: summary?.weightsSHA256,
                workersLost: summary?.workersLost, workersJoined: summary?.workersJoined,
                shardsReassigned: summary?.shardsReassigned, maxStepGapMs: summary?.maxStepGapMilliseconds,
                redoneSteps: outcome.redoneSteps,
                checkpointIntervalSteps: summary?.stepsPerSecond.map {
                    Int(max(0, min(1e15, checkpointSeconds * $0)).rounded(.up))
                }))
    }

    var equalCount: Int { runs.count(where: \.isEqual) }
    /// Runs in which a worker was lost in the middle of its work.
    var reassignedCount: Int { runs.count { $0.shardsReassigned ?? 0 > 0 } }
    var problemCount: Int { runs.reduce(0) { $0 + $1.problems.count } }
    var isGood: Bool { equalCount == runs.count && problemCount == 0 }

    /// The summary for people.
    var lines: [String] {
        var lines: [String] = []
        let faults = ChaosPlan.Fault.allCases.compactMap { fault -> String? in
            let count = runs.reduce(0) { $0 + ($1.injected[fault.rawValue] ?? 0) }
            return count == 0 ? nil : "\(count) \(fault.rawValue)"
        }
        lines.append("Faults: \(faults.isEmpty ? "none" : faults.joined(separator: ", "))")
        let omitted = runs.reduce(0) { $0 + $1.planned - $1.injected.values.reduce(0, +) }
        if omitted > 0 {
            lines.append("Not done: \(omitted), for the run was over before there were two healthy workers again")
        }
        let shards = runs.reduce(0) { $0 + ($1.shardsReassigned ?? 0) }
        lines.append("Shards handed on: \(shards), in \(reassignedCount) of \(runs.count) runs")
        if let gap = Gap(runs.compactMap(\.maxStepGapMs)) {
            lines.append(
                "Longest time between two steps: median \(decimal(gap.median, 1)) ms, 99th percentile "
                    + "\(decimal(gap.p99, 1)) ms, maximum \(decimal(gap.maximum, 1)) ms; undisturbed "
                    + (undisturbedMaxStepGapMs.map { "\(decimal($0, 1)) ms" } ?? "unknown"))
        }
        let redone = runs.flatMap(\.redoneSteps)
        if let most = redone.max() {
            let intervals = runs.compactMap(\.checkpointIntervalSteps)
            let (shortest, longest) = (grouped(intervals.min() ?? 0), grouped(intervals.max() ?? 0))
            let interval =
                intervals.isEmpty
                ? "" : "; between two checkpoints pass \(shortest) to \(longest), depending on the run"
            lines.append("Steps redone after \(redone.count) killed coordinators: at most \(most)\(interval)")
        }
        lines.append("Weights: \(weightsSHA256) undisturbed, the same in \(equalCount) of \(runs.count) runs")
        return lines
    }

    /// Everything, for other programs.
    func json() throws -> String {
        struct Document: Encodable {
            let result: ChaosResult
            let equal: Int
            let shardsReassigned: Int
            let maxStepGapMs: Gap?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let document = Document(
            result: self, equal: equalCount, shardsReassigned: reassignedCount,
            maxStepGapMs: Gap(runs.compactMap(\.maxStepGapMs)))
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }
}

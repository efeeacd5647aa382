import Foundation
package import LockstepArtifacts
import LockstepText

/// How a series of runs under chaos ended.
package struct ChaosResult: Encodable {
    package struct Run: Encodable {
        /// `--seed SEED --runs 1` repeats this run alone.
        package let seed: UInt64
        package let injected: [String: Int]
        package let planned: Int
        package let isEqual: Bool
        package let problems: [String]
        package let weightsSHA256: String?
        package let workersLost: Int?
        package let workersJoined: Int?
        package let shardsReassigned: Int?
        package let maxStepGapMs: Double?
        package let redoneSteps: [UInt64]
        /// Steps between two of its checkpoints, on average.
        package let checkpointIntervalSteps: Int?
    }

    /// The longest times between two steps, in milliseconds.
    package struct Gap: Encodable {
        package let median: Double
        package let p99: Double
        package let maximum: Double

        /// Nil for no values. A percentile is the smallest value that this share of the values does not exceed.
        package init?(_ values: [Double]) {
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

    package let weightsSHA256: String
    package let steps: Int
    package let undisturbedMaxStepGapMs: Double?
    private let checkpointSeconds: Double
    package var runs: [Run] = []

    /// - Parameters:
    ///   - undisturbed: The run that the others are compared with.
    ///   - checkpointSeconds: The time between two checkpoints.
    package init(undisturbed: RunSummary, checkpointSeconds: Double) {
        self.checkpointSeconds = checkpointSeconds
        weightsSHA256 = undisturbed.weightsSHA256
        steps = undisturbed.steps
        undisturbedMaxStepGapMs = undisturbed.maxStepGapMilliseconds
    }

    package mutating func add(_ outcome: ChaosOutcome, seed: UInt64, isEqual: Bool) {
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

    package var equalCount: Int { runs.count(where: \.isEqual) }
    /// Runs in which shards of a lost worker were reassigned.
    package var reassignedCount: Int { runs.count { $0.shardsReassigned ?? 0 > 0 } }
    package var problemCount: Int { runs.reduce(0) { $0 + $1.problems.count } }
    package var isGood: Bool { equalCount == runs.count && problemCount == 0 }

    /// Everything as JSON, for other programs.
    package func json() throws -> String {
        struct Document: Encodable {
            let result: ChaosResult
            let equal: Int
            let shardsReassigned: Int
            let maxStepGapMs: Gap?
        }
        let document = Document(
            result: self, equal: equalCount, shardsReassigned: reassignedCount,
            maxStepGapMs: Gap(runs.compactMap(\.maxStepGapMs)))
        return try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(document)
    }
}

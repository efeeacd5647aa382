import Foundation
import LockstepArtifacts
package import LockstepSystem
import ZeroMQ

/// A run without faults, and a series of runs with faults whose weights are compared with it.
package struct ChaosSeries {
    /// What a series consists of.
    package struct Plan {
        package var faults: [ChaosPlan.Fault]
        /// Run number n has the seed `seed` + n - 1.
        package var seed: UInt64
        /// Disturbed runs.
        package var runs: Int
        /// The fewest and the most faults of a run.
        package var count: ClosedRange<Int>

        package init(faults: [ChaosPlan.Fault], seed: UInt64, runs: Int, count: ClosedRange<Int>) {
            self.faults = faults
            self.seed = seed
            self.runs = runs
            self.count = count
        }
    }

    /// The undisturbed run did not finish, so there is nothing to compare with.
    package struct Failure: Error, CustomStringConvertible {
        let problems: [String]

        package var description: String { "the undisturbed run failed: \(problems.joined(separator: "; "))" }
    }

    private let plan: Plan
    private let setup: ChaosRun.Setup
    private let folder: String
    private let keepsAll: Bool

    /// - Parameters:
    ///   - plan: What happens.
    ///   - setup: What is run.
    ///   - folder: Where run directories and logs go.
    ///   - keepsAll: Whether the directories of runs that went well are kept.
    package init(_ plan: Plan, _ setup: ChaosRun.Setup, folder: String, keepsAll: Bool) {
        self.plan = plan
        self.setup = setup
        self.folder = folder
        self.keepsAll = keepsAll
    }

    /// Takes all runs, one after the other.
    ///
    /// - Parameters:
    ///   - checkpointSeconds: The time between two checkpoints.
    ///   - stop: The signals that end the series early.
    ///   - notify: Called with each notice.
    /// - Returns: What came of each run.
    /// - Throws: ``Failure`` if the undisturbed run fails; `RunError.interrupted` on a signal; what keeps processes from
    ///   being started.
    package func run(
        checkpointSeconds: Double, stop: StopSignals, notify: @escaping (ChaosNotice) -> Void
    ) throws -> ChaosResult {
        let context = try Context()
        func outcome(_ plan: ChaosPlan, _ directory: String) throws -> ChaosOutcome {
            try ChaosRun(setup, plan, output: directory, context: context, stop: stop) { notify(.injection($0)) }.run()
        }
        let calm = try outcome(
            ChaosPlan(seed: 0, faults: ChaosPlan.Fault.allCases, count: 0...0, steps: 0), "\(folder)/undisturbed")
        guard let undisturbed = calm.summary else { throw Failure(problems: calm.problems) }
        notify(.undisturbed(undisturbed))
        var result = ChaosResult(undisturbed: undisturbed, checkpointSeconds: checkpointSeconds)
        for index in 0..<plan.runs {
            let seed = plan.seed &+ UInt64(index)
            let directory = "\(folder)/run-\(index + 1)"
            let outcome = try outcome(
                ChaosPlan(
                    seed: seed, faults: plan.faults, count: plan.count, steps: UInt64(max(0, undisturbed.steps))),
                directory)
            let isEqual = outcome.isEqual(to: undisturbed)
            result.add(outcome, seed: seed, isEqual: isEqual)
            notify(.finished(run: index + 1, seed: seed, outcome, isEqual: isEqual))
            if isEqual && outcome.problems.isEmpty { discard(directory) }
        }
        return result
    }

    /// Removes the files of a run that went well.
    private func discard(_ directory: String) {
        guard !keepsAll else { return }
        for path in [directory, directory + "-logs"] { try? FileManager.default.removeItem(atPath: path) }
    }
}

import Foundation
import LockstepCluster
import LockstepSharding
import LockstepTesting
import Testing

/// Simulated clusters, each from one seed: ``Simulation``.
///
///     LOCKSTEP_SIMULATION_SEEDS=1000000 scripts/test --filter SimulationTests    a million of them
///     LOCKSTEP_SIMULATION_SEED=4711 scripts/test --filter SimulationTests        one, with its events if it fails
@Suite("Simulated clusters")
struct SimulatedClusterTests {
    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    /// Without optimisation a simulated cluster takes some thirty times as long.
    #if DEBUG
        private static let defaultSeeds: UInt64 = 200
    #else
        private static let defaultSeeds: UInt64 = 4_000
    #endif

    private static var seeds: Range<UInt64> {
        if let one = number("LOCKSTEP_SIMULATION_SEED") { return one..<one + 1 }
        let first = number("LOCKSTEP_SIMULATION_FIRST") ?? 1
        return first..<first + (number("LOCKSTEP_SIMULATION_SEEDS") ?? defaultSeeds)
    }

    @Test("Every sample is counted exactly once under the right weights, or the run fails and says why")
    func seeds() {
        var sum = Sum()
        var broken = 0
        for seed in Self.seeds where broken < 5 {
            do throws(SimulationFailure) {
                sum.add(try Simulation.run(seed: seed))
            } catch {
                broken += 1
                Issue.record(error)
            }
        }
        // Without faults the simulation would show nothing.
        guard Self.seeds.count >= 200, broken == 0 else { return }
        for fault in SimulationPlan.Fault.allCases { #expect(sum.faults[fault, default: 0] > 0, "\(fault)") }
        #expect(sum.runs > 2 * sum.failures, "most runs finish: \(sum.failures) of \(sum.runs) failed")
        #expect(sum.computedByCoordinator > 0 && sum.workerCountChoices > 0 && sum.stepsAlone > 0)
        #expect(sum.sharesComputed > 0)
        #expect(sum.reassigned > 0 && sum.speculated > 0 && sum.overwritten > 0 && sum.restarts > 0)
        guard Self.seeds.count >= 2_000 else { return }
        #expect(sum.outdated > 0)
        #expect(
            sum.failures > 0 && sum.audited > 0 && sum.wrongAnswers > 0 && sum.quarantined > 0 && sum.slowReports > 0)
    }

    /// Each seed leads to a situation that is easy to handle wrongly. A faulty worker loses its membership and, as a
    /// new member, could confirm its own wrong answer. A process could get the second copy of a tree node that it still
    /// computes as another member, so that no process computes it. A worker could accept a welcome that came over a
    /// lost connection, and then wait for ever.
    @Test("Seeds of rare situations", arguments: [1_029_362, 1_428_931, 3_028_388] as [UInt64])
    func found(seed: UInt64) throws {
        _ = try Simulation.run(seed: seed)
    }

    /// All exchanges of a run are cut at all points: the worker dies before it has its task, while it computes, when it has
    /// answered, while another one takes its node over, and so on.
    @Test("A run whose worker dies between any two events has the undisturbed weights")
    func crashes() throws {
        #if DEBUG
            let runs = 2
        #else
            let runs = 60
        #endif
        var (chosen, died) = (0, 0)
        for seed in UInt64(1)...5_000 where chosen < runs {
            let plan = SimulationPlan(seed: seed)
            guard plan.isPeaceful, plan.workers > 1, plan.maximumRestarts > 0 else { continue }
            let events = try Simulation.run(seed: seed).events
            guard events < 1_500 else { continue }
            chosen += 1
            for event in 0..<events {
                let crash = Simulation.Crash(ofProcess: event % plan.workers, afterEvents: event)
                let outcome = try Simulation.run(seed: seed, crash: crash)
                #expect(outcome.failure == nil, "seed \(seed), event \(event)")
                died += outcome.counts.lost
            }
        }
        #expect(chosen == runs)
        #expect(died > 100 * runs, "most deaths were those of members: \(died)")
    }

    @Test("A seed gives the same run again")
    func repeatability() throws {
        for seed in UInt64(1)...20 {
            let (first, second) = (try Simulation.run(seed: seed), try Simulation.run(seed: seed))
            #expect(first.events == second.events && first.counts == second.counts && first.seconds == second.seconds)
        }
    }

    private struct Sum {
        var runs = 0
        var failures = 0
        var faults: [SimulationPlan.Fault: Int] = [:]
        var reassigned = 0
        var speculated = 0
        var overwritten = 0
        var restarts = 0
        var audited = 0
        var wrongAnswers = 0
        var quarantined = 0
        var slowReports = 0
        var computedByCoordinator = 0
        var workerCountChoices = 0
        var stepsAlone = 0
        var sharesComputed = 0
        var outdated = 0

        mutating func add(_ outcome: Simulation.Outcome) {
            runs += 1
            failures += outcome.failure == nil ? 0 : 1
            faults.merge(outcome.faults, uniquingKeysWith: +)
            reassigned += outcome.counts.shardsReassigned
            speculated += outcome.counts.speculativeItems
            overwritten += outcome.overwritten
            restarts += outcome.restarts
            audited += outcome.counts.stepsAudited
            wrongAnswers += outcome.wrongAnswers
            quarantined += outcome.counts.quarantined
            slowReports += outcome.slowReports
            computedByCoordinator += outcome.computedByCoordinator
            workerCountChoices += outcome.workerCountChoices
            stepsAlone += outcome.stepsAlone
            sharesComputed += outcome.sharesComputed
            outdated += outcome.outdated
        }
    }
}

import LockstepArtifacts
import LockstepChaos
import LockstepText

/// What `lockstep chaos` prints.
enum ChaosText {
    /// The notice in a line.
    static func line(_ notice: ChaosNotice) -> String? {
        switch notice {
        case .undisturbed(let summary):
            return "Undisturbed: \(counted(summary.steps, "step")), weights \(summary.weightsSHA256.prefix(8))"
        case .injection(let injection):
            return line(injection)
        case .finished(let run, let seed, let outcome, let isEqual):
            guard let summary = outcome.summary else { return nil }
            return "\(name(run, seed)): \(counted(outcome.injectedCount, "fault")), "
                + "\(counted(summary.workersLost, "worker")) lost, \(counted(summary.shardsReassigned, "shard")) "
                + "reassigned, longest gap \(decimal(summary.maxStepGapMilliseconds ?? 0, 1)) ms, weights "
                + "\(summary.weightsSHA256.prefix(8)), \(isEqual ? "equal" : "DIFFERENT")"
        }
    }

    static func name(_ run: Int, _ seed: UInt64) -> String { "Run \(run) (seed \(seed))" }

    /// `  0.812 s   step 1,204   kill worker 1 (pid 7): replaced after 0.31 s`
    private static func line(_ injection: ChaosInjection) -> String {
        let action =
            switch injection.target {
            case .worker(let number): "\(injection.fault.rawValue) worker \(number)"
            case .coordinator: "kill coordinator"
            }
        let effect = text(injection.effect)
        return "  \(decimal(injection.seconds, 3)) s   step \(grouped(Int(clamping: injection.step)))   \(action) "
            + "(pid \(injection.processID))\(effect.isEmpty ? "" : ": \(effect)")"
    }

    private static func direction(_ isDown: Bool) -> String { isDown ? "to the worker" : "to the coordinator" }

    private static func text(_ effect: ChaosInjection.Effect) -> String {
        func time(_ seconds: Double) -> String { "\(decimal(seconds, 2)) s" }
        return switch effect {
        case .none: ""
        case .replaced(let seconds): "replaced after \(time(seconds))"
        case .stopped(let seconds): "for \(time(seconds))"
        case .slowed(let seconds): "a tenth of the processor time for \(time(seconds))"
        case .disconnected(let seconds): "no connection for \(time(seconds))"
        case .partitioned(let seconds, true): "for \(time(seconds)), then the connection is cut"
        case .partitioned(let seconds, false): "for \(time(seconds)), then it heals"
        case .delayed(let seconds, let isDown): "\(time(seconds)), \(direction(isDown))"
        case .damaged(let isDown): direction(isDown)
        case .resumed(let seconds, let workers, let before, let checkpoint):
            "back after \(time(seconds))"
                + (workers == before ? "" : " with \(counted(workers, "worker")) instead of \(before)")
                + "; the newest checkpoint is of step \(checkpoint)"
        }
    }

    /// The summary of a series.
    static func lines(_ result: ChaosResult) -> [String] {
        var lines: [String] = []
        let faults = ChaosPlan.Fault.allCases.compactMap { fault -> String? in
            let count = result.runs.reduce(0) { $0 + ($1.injected[fault.rawValue] ?? 0) }
            return count == 0 ? nil : "\(count) \(fault.rawValue)"
        }
        lines.append("Faults: \(faults.isEmpty ? "none" : faults.joined(separator: ", "))")
        let omitted = result.runs.reduce(0) { $0 + $1.planned - $1.injected.values.reduce(0, +) }
        if omitted > 0 {
            lines.append(
                "Left out: \(counted(omitted, "fault")), because the run ended before two workers were healthy")
        }
        let shards = result.runs.reduce(0) { $0 + ($1.shardsReassigned ?? 0) }
        lines.append("Shards reassigned: \(shards), in \(result.reassignedCount) of \(result.runs.count) runs")
        if let gap = ChaosResult.Gap(result.runs.compactMap(\.maxStepGapMs)) {
            lines.append(
                "Longest time between two steps: median \(decimal(gap.median, 1)) ms, 99th percentile "
                    + "\(decimal(gap.p99, 1)) ms, maximum \(decimal(gap.maximum, 1)) ms; undisturbed "
                    + (result.undisturbedMaxStepGapMs.map { "\(decimal($0, 1)) ms" } ?? "unknown"))
        }
        let redone = result.runs.flatMap(\.redoneSteps)
        if let maximum = redone.max() {
            let intervals = result.runs.compactMap(\.checkpointIntervalSteps)
            let interval =
                intervals.isEmpty
                ? ""
                : "; a run takes \(grouped(intervals.min() ?? 0)) to \(grouped(intervals.max() ?? 0)) steps between two "
                    + "checkpoints"
            lines.append(
                "Steps repeated after \(counted(redone.count, "killed coordinator")): at most \(maximum)\(interval)")
        }
        lines.append(
            "Weights: \(result.weightsSHA256) undisturbed, the same in \(result.equalCount) of \(result.runs.count) runs"
        )
        return lines
    }

    /// Why a series failed.
    static func failure(_ result: ChaosResult, folder: String) -> String {
        "\(result.runs.count - result.equalCount) of \(result.runs.count) runs ended with other weights or not at all, and "
            + "\(counted(result.problemCount, "problem")) occurred that no fault explains; see \(folder)"
    }
}

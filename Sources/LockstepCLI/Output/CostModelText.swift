import LockstepCostModel
import LockstepText

extension StepPrediction {
    /// The line before the first step of a distributed run: what a step will take, and whether workers are faster. Of a
    /// busy machine it says that instead of a speedup.
    var text: String {
        let step =
            "\(counted(workers, "worker")), \(dataSize(parameterBytes)) a step: about \(milliseconds(step.total)), of which "
            + "\(milliseconds(step.compute)) compute; one process: \(milliseconds(alone.total))"
        return "\(step); \(isUncertain ? load.warning : comparison)"
    }

    private var comparison: String {
        if workers == 1 { return "one worker computes as fast as one process at best" }
        if step.total < alone.total { return "\(times(alone.total / step.total)) as fast" }
        guard let crossover else { return "\(workers) workers are slower than one process at every mini-batch" }
        return
            "\(workers) workers are faster than one process from about \(grouped(roundedToTwoDigits(crossover))) samples"
    }
}

extension MachineLoad {
    /// That the machine is busy, how that was noticed, and what it means for the figures.
    var warning: String {
        let reason = othersText.map { " (\($0))" } ?? ""
        return "this machine is busy\(reason): figures may be off by \(uncertainty) x"
    }

    /// What other programs use: `other programs use 1.0 of its 2 cores`; nil if that is unknown or nothing to speak of.
    private var othersText: String? {
        guard let usedByOthers, usedByOthers >= 0.05 else { return nil }
        return "other programs use \(decimal(usedByOthers, 1)) of its \(counted(cores, "core"))"
    }
}

extension ForecastOutcome {
    /// The last line of a distributed run: its forecast beside what came of it.
    ///
    /// - Parameter configuration: The path of the configuration, for the command that shows where workers are faster.
    /// - Returns: One line.
    func text(configuration: String) -> String {
        let alone = milliseconds(forecast.alone.total)
        let start = "Forecast for \(counted(forecast.workers, "worker")): \(milliseconds(forecast.step.total)) a step"
        let promise =
            forecast.isUncertain
            ? "one process \(alone), no speedup because this machine was busy"
            : "\(Self.comparison(forecastSpeedup)) one process (\(alone))"
        return ([start + ", " + promise, "outcome: \(outcome)"] + remarks).joined(separator: "; ")
            + advice(configuration)
    }

    /// What came, with the number of workers if it changed during the run.
    private var outcome: String {
        var parts = [milliseconds(step)]
        if let workers, workers != forecast.workers {
            parts.append(workers == 0 ? "at last by the coordinator alone" : "at last on \(counted(workers, "worker"))")
        }
        if !forecast.isUncertain {
            parts.append(Self.comparison(speedup).trimmingSuffix(" than").trimmingSuffix(" as"))
        }
        return parts.joined(separator: ", ")
    }

    private var remarks: [String] {
        var remarks: [String] = []
        if isDisappointing, !forecast.isUncertain, forecastSpeedup > Self.equalSpeed.upperBound {
            remarks.append("the forecast promised too much")
        }
        if wasDisturbed, let used = load?.usedByOthers, let cores = load?.cores {
            remarks.append(
                "other programs used \(decimal(used, 1)) of this machine's \(counted(cores, "core")) meanwhile")
        }
        return remarks
    }

    private func advice(_ configuration: String) -> String {
        guard !forecast.isUncertain, speedup < Self.equalSpeed.lowerBound, forecast.workers > 1 else { return "" }
        return ". To see where workers are faster: lockstep bench \(configuration) --workers \(forecast.workers)"
    }

    /// Speedups that say nothing: a forecast is no more exact.
    private static let equalSpeed = 0.95...1.05

    /// `1.63 x as fast as`, `as fast as` or `slower than`.
    private static func comparison(_ speedup: Double) -> String {
        if equalSpeed.contains(speedup) { return "as fast as" }
        return speedup > 1 ? "\(times(speedup)) as fast as" : "slower than"
    }
}

/// A forecast, and what came of it.
package struct ForecastOutcome: Hashable, Sendable {
    package let forecast: StepPrediction
    /// Workers that computed in the last epoch, 0: the coordinator alone; nil: no epoch has ended.
    package let workers: Int?
    /// Seconds of a step: the mean of the run.
    package let step: Double
    /// What other programs used while the run went on; nil if that is unknown.
    package let load: MachineLoad?

    package init(forecast: StepPrediction, workers: Int?, step: Double, load: MachineLoad?) {
        self.forecast = forecast
        self.workers = workers
        self.step = step
        self.load = load
    }

    /// How many times as fast as one process the steps were forecast to be.
    package var forecastSpeedup: Double { forecast.alone.total / forecast.step.total }

    /// How many times as fast as one process, by its time before the run, the steps were.
    package var speedup: Double { forecast.alone.total / step }

    /// Whether the steps took clearly longer than forecast.
    package var isDisappointing: Bool { step > (1 + Self.tolerance) * forecast.step.total }

    /// A forecast within this part of what came has held.
    private static let tolerance = 0.15

    /// Whether other programs took cores from the run's processes.
    package var wasDisturbed: Bool {
        load?.isBusy(computing: forecast.workers) ?? false
    }
}

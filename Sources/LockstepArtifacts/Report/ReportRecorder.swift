import Foundation
package import LockstepNumerics
import LockstepSharding
import LockstepTimeline
package import LockstepTraining

/// Writes TensorBoard's `events.out.tfevents.*` and `report.html` during the run, and the report once more at its end.
///
/// Training needs neither: if one of them cannot be written during the run, the recorder warns once and training continues.
/// A report that cannot be written at the end is an ``ArtifactError``. A run that is resumed or goes back to an earlier
/// state starts another event file, which TensorBoard shows as the continuation of the first.
package final class ReportRecorder: RunObserver {
    /// What a run says about itself when its page is written.
    package struct Sources {
        /// Analyses the network; nil: the page has no analysis.
        package var analyst: ReportAnalyst?
        /// The workers of the run, if it has some.
        package var workers: () -> [ReportDetails.Worker]
        /// Shows the run while it goes on; nil: nothing does.
        package var live: (any LiveView)?

        package init(
            analyst: ReportAnalyst? = nil, live: (any LiveView)? = nil,
            workers: @escaping () -> [ReportDetails.Worker] = { [] }
        ) {
            self.analyst = analyst
            self.live = live
            self.workers = workers
        }
    }

    private let directory: RunDirectory
    private let programVersion: String
    private let sources: Sources
    private var run: RunDescription?
    private var events: EventRecorder
    private var details: ReportDetails
    private var epochs: [EpochReport] = []
    private var budget = PageBudget()
    /// When the live view is shown something new, at the earliest: epochs may take a millisecond.
    private var nextShow = Instant(nanoseconds: 0)
    private var hasWarned = false
    private let warn: (String) -> Void

    /// Records a run.
    ///
    /// - Parameters:
    ///   - directory: Where to write.
    ///   - programVersion: Named in the report.
    ///   - host: Named in the report, and part of the event file's name, as in TensorBoard's own files.
    ///   - sources: What the page shows besides what an observer is told.
    ///   - warn: Called with a sentence about a file that cannot be written.
    package init(
        directory: RunDirectory, programVersion: String, host: String, sources: Sources = Sources(),
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.programVersion = programVersion
        self.sources = sources
        self.warn = warn
        details = ReportDetails(host: host, started: Date())
        events = EventRecorder(directory: directory, host: host, warn: warn)
    }

    /// Opens the event file, and takes over what an earlier process of the run has found.
    package func runWillStart(_ run: RunDescription) {
        self.run = run
        events.open(step: run.resumed.map { Int($0.step) })
        guard let resumed = run.resumed else { return }
        epochs = resumed.epochs
        guard let earlier = ReportDetails.load(directory) else { return }
        details.progress = earlier.progress
        details.progress.rewind(to: Int(clamping: resumed.step))
    }

    /// Opens another event file, because the steps that follow have been reported already.
    package func runDidRecover(_ recovery: Recovery) {
        guard let progress = recovery.rewoundTo else { return }
        events.open(step: Int(clamping: progress.step))
        epochs = progress.epochs
        details.progress.rewind(to: Int(clamping: progress.step))
    }

    /// Appends cost, learning rate and speed at the step.
    package func runDidProgress(_ progress: StepProgress) {
        events.append(progress)
        show(progress)
    }

    /// Seconds between two calls of the live view at least.
    private static let showPause = 0.1

    private func show(_ progress: StepProgress) {
        details.progress.add(progress)
        guard let live = sources.live, let run, Instant.now >= nextShow else { return }
        live.show(progress, epochs: run.configuration.training.epochs, workers: sources.workers())
        nextShow = Instant.now.advanced(bySeconds: Self.showPause)
    }

    /// Appends costs, accuracies and the learning rate at the epoch's last step, and writes the page.
    package func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        events.append(epoch)
        epochs.append(epoch)
        // A short epoch ends before its first report.
        show(
            StepProgress(
                epoch: epoch.epoch, step: run?.stepsPerEpoch ?? 0, stepsPerEpoch: run?.stepsPerEpoch ?? 0,
                totalSteps: epoch.totalSteps, meanTrainingLoss: epoch.meanTrainingLoss,
                learningRate: epoch.learningRate, samplesPerSecond: Double(epoch.samples) / max(epoch.seconds, 1e-9),
                workers: epoch.workers))
        // Without validation samples, the last epoch's weights are the run's.
        let isAnalysed = epoch.isBest || (epoch.validation == nil && epoch.test != nil)
        budget.spend {
            if isAnalysed { sources.analyst?.analyse(parameters, epoch: epoch.epoch, into: &details) }
            do {
                try writePage(summary(of: runningOutcome), isRunning: true)
            } catch {
                if !hasWarned { warn("\(error); training continues, and the page is written at the end") }
                hasWarned = true
            }
        }
    }

    /// Writes `report.html` and `report.json`.
    package func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws {
        epochs = outcome.epochs
        let selected = outcome.selectedEpoch ?? outcome.finalEpoch
        if let selected, details.analysedEpoch != selected.epoch, !outcome.interrupted {
            if selected.epoch == outcome.finalEpoch?.epoch {
                sources.analyst?.analyse(parameters, epoch: selected.epoch, into: &details)
            } else if let best = try? ModelFile.load(directory.bestModel) {
                sources.analyst?.analyse(best.parameters, epoch: selected.epoch, into: &details)
            }
        }
        try writePage(summary(of: outcome), isRunning: false)
        try details.save(in: directory)
    }

    private func writePage(_ summary: RunSummary, isRunning: Bool) throws {
        guard let run else { return }
        details.updated = Date()
        let workers = sources.workers()
        if !workers.isEmpty { details.workers = workers }
        var configuration = run.configuration
        configuration.shards = run.shards
        let report = RunReport(
            summary, configuration: ConfigurationFile.yaml(of: configuration),
            speedup: try SpeedupRecord.load(directory), details: details, stepsPerEpoch: run.stepsPerEpoch,
            isRunning: isRunning)
        sources.live?.show(report)
        try AtomicFile.write(report.html, to: directory.report)
    }

    private func summary(of outcome: RunOutcome) throws -> RunSummary {
        guard let run else { preconditionFailure("a run that ended before it started") }
        return RunSummary(run: run, outcome: outcome, programVersion: programVersion, peakMemoryBytes: nil)
    }

    /// The run so far.
    private var runningOutcome: RunOutcome {
        RunOutcome(
            epochs: epochs, steps: epochs.last?.totalSteps ?? 0, seconds: epochs.reduce(0) { $0 + $1.seconds },
            samples: epochs.reduce(0) { $0 + $1.samples }, weightsSHA256: epochs.last?.weightsSHA256 ?? "",
            membership: MembershipCounts(), maximumStepGapMilliseconds: .nan, interrupted: true)
    }
}

/// Lets the pages of a run take at most a fiftieth of its time.
private struct PageBudget {
    /// When the next page may be written.
    private var next = Instant(nanoseconds: 0)

    /// Seconds between two pages at least.
    private static let pause = 1.0

    /// Does the work if enough time has passed since the last.
    mutating func spend(_ work: () -> Void) {
        let before = Instant.now
        guard before >= next else { return }
        work()
        let after = Instant.now
        next = after.advanced(bySeconds: max(Self.pause, 50 * after.seconds(since: before)))
    }
}

package import LockstepCostModel
import LockstepData
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Takes a run's steps a few at a time and times each: training as it is, without epochs, evaluation and reports.
package final class StepRunner {
    private let run: PreparedRun
    private let step: Step
    private var parameters: VersionedParameters
    private let timeline: Timeline
    private let collect: () throws -> [ProcessTimeline]

    /// - Parameters:
    ///   - run: The run; its checkpoints and reports are not looked at.
    ///   - source: Whoever computes.
    ///   - parameters: The initial weights.
    ///   - threadPool: Threads that share the update where cores are idle.
    ///   - timeline: Of this thread.
    ///   - collect: Asks the workers where their time went.
    init(
        _ run: PreparedRun, source: any GradientSource, parameters: VersionedParameters, threadPool: ThreadPool? = nil,
        timeline: Timeline, collect: @escaping () throws -> [ProcessTimeline]
    ) {
        self.run = run
        self.parameters = parameters
        self.timeline = timeline
        self.collect = collect
        step = Step(
            source: source,
            reducer: Reducer(
                layout: run.layout.chunks, shards: run.schedule.shards,
                dataType: run.configuration.communicationDataType),
            optimizer: run.configuration.makeOptimizer(
                for: run.layout, stepsPerEpoch: run.schedule.stepsPerEpoch),
            threadPool: threadPool, timeline: timeline)
    }

    /// Takes so many steps.
    ///
    /// - Parameter count: At least 1.
    /// - Returns: The seconds that each took.
    /// - Throws: Whatever a step throws.
    package func take(_ count: Int) throws -> [Double] {
        var seconds: [Double] = []
        seconds.reserveCapacity(count)
        timeline.skip()
        var start = Timeline.now
        for _ in 0..<count {
            let batch = Batch(step: parameters.version, schedule: run.schedule)
            _ = try step.run(batch, &parameters)
            let end = Timeline.now
            seconds.append(Double(end - start) * 1e-9)
            start = end
        }
        timeline.enter(.other)
        return seconds
    }

    /// Starts to note the time anew.
    ///
    /// - Throws: Whatever ends the run.
    package func resetTimelines() throws {
        _ = try collect()
        timeline.reset()
    }

    /// Where the time of all processes went since the last reset, this process first.
    ///
    /// - Returns: Nothing of workers that do not answer.
    /// - Throws: Whatever ends the run.
    package func timelines() throws -> [ProcessTimeline] {
        // Since the last step this thread has waited for its turn.
        timeline.skip()
        let own = ProcessTimeline(of: timeline, name: "coordinator", processID: UInt32(Host.processID))
        return [own] + (try collect())
    }
}

extension PreparedRun {
    /// Steps in this process alone.
    ///
    /// - Throws: What a run of this configuration cannot have.
    package func runner() throws -> StepRunner {
        let timeline = TimelineOptions.sums.makeTimeline()
        let computer = try makeShardComputer()
        computer.timeline = timeline
        return StepRunner(
            self, source: LocalGradientSource(computer, inPlace: true), parameters: try initialParameters(),
            timeline: timeline,
            collect: { [] })
    }

    /// The cost model's figures, as far as one process can measure them.
    ///
    /// - Parameter seconds: What the measurement may take.
    /// - Returns: A model in which messages cost nothing yet.
    /// - Throws: What a run of this configuration cannot have.
    package func calibrated(within seconds: Double) throws -> CostModel {
        try Calibration(run: self, computer: try makeShardComputer(), budget: seconds).model()
    }
}

import LockstepCluster
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Takes and times a few of a run's steps, as training does but without epochs, evaluation and reports.
final class StepRunner {
    private let run: TrainingRun
    private var step: Step
    private var parameters: VersionedParameters
    private let timeline: Timeline
    private let collect: () throws -> [ProcessTimeline]

    /// - Parameters:
    ///   - run: The run; its settings for checkpoints and reports are ignored.
    ///   - source: Computes the gradients.
    ///   - parameters: The initial weights.
    ///   - threadPool: Threads that share the update if cores are idle.
    ///   - timeline: The timeline of this thread.
    ///   - collect: Returns the workers' timelines since it was last called.
    private init(
        _ run: TrainingRun, source: any GradientSource, parameters: VersionedParameters, threadPool: ThreadPool? = nil,
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
                for: run.layout,
                rate: run.configuration.makeLearningRate(stepsPerEpoch: run.schedule.stepsPerEpoch)),
            clipping: run.configuration.training.clipping, threadPool: threadPool, timeline: timeline)
    }

    /// Runs steps.
    ///
    /// - Parameter count: The number of steps, at least 1.
    /// - Returns: The seconds that each step took.
    /// - Throws: The errors of a step.
    func run(_ count: Int) throws -> [Double] {
        var seconds: [Double] = []
        seconds.reserveCapacity(count)
        timeline.skip()
        var start = Instant.now
        for _ in 0..<count {
            let batch = Batch(step: parameters.version, schedule: run.schedule)
            do {
                _ = try step.run(batch, &parameters)
            } catch is WorkersGone {
                throw ClusterFailure.noWorkersLeft(seconds: 0)
            }
            let end = Instant.now
            seconds.append(end.seconds(since: start))
            start = end
        }
        timeline.enter(.other)
        return seconds
    }

    /// Clears the timelines of all processes.
    ///
    /// - Throws: The error that ends the run.
    func resetTimelines() throws {
        _ = try collect()
        timeline.reset()
    }

    /// The timelines of all processes since the last reset, this process first.
    ///
    /// - Returns: The timelines, without those of workers that do not answer.
    /// - Throws: The error that ends the run.
    func timelines() throws -> [ProcessTimeline] {
        // Since the last step this thread has only waited for this call.
        timeline.skip()
        let own = ProcessTimeline(of: timeline, name: "coordinator", processID: UInt32(Host.processID))
        return [own] + (try collect())
    }
}

extension StepRunner {
    /// Makes a runner of steps in this process, without workers.
    ///
    /// - Throws: An error if this configuration cannot be run.
    convenience init(_ run: TrainingRun) throws {
        let timeline = TimelineOptions.sums.makeTimeline()
        let computer = try run.makeShardComputer()
        computer.timeline = timeline
        self.init(
            run, source: LocalGradientSource(computer, inPlace: true), parameters: try run.initialParameters(),
            timeline: timeline, collect: { [] })
    }

    /// Makes a runner of steps on the workers of a coordinator.
    convenience init(_ cluster: Cluster, _ session: Cluster.Session) {
        self.init(
            cluster.run, source: session.gradients, parameters: session.parameters, threadPool: session.threadPool,
            timeline: cluster.timeline ?? Timeline(), collect: session.collectTimelines)
    }
}

import Foundation
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepText
import LockstepTimeline
import LockstepTraining

/// What each further worker costs a coordinator.
///
/// The workers answer at once without computing, so that only the work of the coordinator is left to measure. It is
/// measured in processor time, because there may be more workers than cores.
package struct FanIn: Encodable {
    /// One number of workers.
    package struct Setting: Encodable {
        package let workers: Int
        /// Processor seconds of a step: of the coordinator's own thread, and of its process with the threads of libzmq.
        package let thread: Double
        package let process: Double
    }

    private static let turns = 8

    package let name: String
    package let batch: Int
    package let settings: [Setting]
    /// Processor seconds of a step for each further worker: the slope of the straight line through the settings.
    package let threadEach: Double
    package let processEach: Double

    /// Takes steps with each number of workers, in turns, and keeps the median of the turns.
    ///
    /// - Parameters:
    ///   - bench: A bench whose workers do not compute, without a single process among its settings.
    ///   - steps: Steps of each setting.
    /// - Throws: Why a setting could not be measured.
    package init(_ bench: Bench, steps: Int) throws {
        let block = max(1, steps / Self.turns)
        let times = try bench.withRunners { runners in
            var times: [[(thread: Double, process: Double)]] = runners.map { _ in [] }
            for runner in runners { _ = try runner.run(max(2, block / 4)) }
            for _ in 0..<Self.turns {
                for (index, runner) in runners.enumerated() {
                    try bench.checkStop()
                    let (thread, process) = (ProcessorClock.threadSeconds, ProcessorClock.processSeconds)
                    _ = try runner.run(block)
                    times[index].append(
                        (
                            (ProcessorClock.threadSeconds - thread) / Double(block),
                            (ProcessorClock.processSeconds - process) / Double(block)
                        ))
                }
            }
            return times
        }
        let settings = zip(bench.runs, times).map { run, times in
            Setting(
                workers: run.setting.workers, thread: Statistics(times.map(\.thread)).median,
                process: Statistics(times.map(\.process)).median)
        }
        self.init(
            name: bench.runs[0].run.configuration.name, batch: bench.runs[0].run.schedule.batch, settings: settings)
    }

    /// - Parameters:
    ///   - name: The run's.
    ///   - batch: Samples in a mini-batch.
    ///   - settings: What was measured, at least one.
    init(name: String, batch: Int, settings: [Setting]) {
        self.name = name
        self.batch = batch
        self.settings = settings
        threadEach = Statistics.slope(of: settings.map { (Double($0.workers), $0.thread) })
        processEach = Statistics.slope(of: settings.map { (Double($0.workers), $0.process) })
    }

    /// Everything as JSON, for other programs; times in seconds.
    package func json() throws -> String { try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(self) }
}

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
package struct FanIn {
    /// Processor seconds of a step: of the coordinator's own thread, and of its process with the threads of libzmq.
    package struct Cost: Hashable, Sendable {
        package var thread: Double
        package var process: Double
    }

    /// One number of workers, and the median of its turns.
    package struct Setting: Encodable {
        package let workers: Int
        package let thread: Double
        package let process: Double
    }

    /// What each further worker costs, in processor seconds of a step: the slope of the straight line through the
    /// settings. No worker has a negative cost, so a slope below 0 comes from the spread of the measurements.
    package struct Slope: Hashable, Sendable, Encodable {
        /// At least 0.
        package let estimate: Double
        /// The ends of the interval that contains it (see ``Statistics/medianInterval(_:)``), at least 0 each.
        package let lower: Double
        package let upper: Double

        /// - Parameter slopes: The slope of each turn, at least one.
        init(_ slopes: [Double]) {
            let interval = Statistics.medianInterval(slopes)
            estimate = max(0, Statistics(slopes).median)
            lower = max(0, interval.lowerBound)
            upper = max(0, interval.upperBound)
        }
    }

    private static let turns = 8

    package let name: String
    package let batch: Int
    package let settings: [Setting]
    /// The cost of each further worker in the coordinator's thread; nil with a single number of workers.
    package let threadEach: Slope?
    /// The same in the whole process.
    package let processEach: Slope?

    /// Takes steps with each number of workers, in turns.
    ///
    /// - Parameters:
    ///   - bench: A bench whose workers do not compute, without a single process among its settings.
    ///   - steps: Steps of each setting.
    /// - Throws: Why a setting could not be measured.
    package init(_ bench: Bench, steps: Int) throws {
        let block = max(1, steps / Self.turns)
        let costs = try bench.withRunners { runners in
            var costs: [[Cost]] = runners.map { _ in [] }
            for runner in runners { _ = try runner.run(max(2, block / 4)) }
            for _ in 0..<Self.turns {
                for (index, runner) in runners.enumerated() {
                    try bench.checkStop()
                    let (thread, process) = (ProcessorClock.threadSeconds, ProcessorClock.processSeconds)
                    _ = try runner.run(block)
                    costs[index].append(
                        Cost(
                            thread: (ProcessorClock.threadSeconds - thread) / Double(block),
                            process: (ProcessorClock.processSeconds - process) / Double(block)))
                }
            }
            return costs
        }
        self.init(
            name: bench.runs[0].run.configuration.name, batch: bench.runs[0].run.schedule.batch,
            measured: zip(bench.runs, costs).map { ($0.setting.workers, $1) })
    }

    /// - Parameters:
    ///   - name: The run's.
    ///   - batch: Samples in a mini-batch.
    ///   - measured: At least one number of workers, each with the costs of equally many turns, at least one.
    init(name: String, batch: Int, measured: [(workers: Int, turns: [Cost])]) {
        self.name = name
        self.batch = batch
        settings = measured.map { workers, turns in
            Setting(
                workers: workers, thread: Statistics(turns.map(\.thread)).median,
                process: Statistics(turns.map(\.process)).median)
        }
        func slope(_ part: (Cost) -> Double) -> Slope? {
            guard Set(measured.map(\.workers)).count > 1, let turns = measured.map(\.turns.count).min(), turns > 0
            else {
                return nil
            }
            return Slope(
                (0..<turns).map { turn in
                    Statistics.slope(of: measured.map { (Double($0.workers), part($0.turns[turn])) })
                })
        }
        threadEach = slope(\.thread)
        processEach = slope(\.process)
    }

    private struct Document: Encodable {
        let version: String
        let units: [String: String]
        let processor: String?
        let loadAverage: Double?
        let name: String
        let batch: Int
        let settings: [Setting]
        let threadEach: Slope?
        let processEach: Slope?
    }

    /// Everything as JSON, for other programs. The article "Performance" describes each field.
    package func json() throws -> String {
        let document = Document(
            version: programVersion,
            units: ["thread, process, thread_each, process_each": "processor seconds of a step"],
            processor: Host.processorName, loadAverage: Host.loadAverage, name: name, batch: batch,
            settings: settings,
            threadEach: threadEach, processEach: processEach)
        return try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(document)
    }
}

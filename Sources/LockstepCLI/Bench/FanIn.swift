import Foundation
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepTraining

/// What each further worker costs a coordinator: workers pretend to compute and answer at once, so that all there is to
/// see is the coordinator's own work. Processor time counts, for there may be more workers than cores.
struct FanIn: Encodable {
    /// A number of workers.
    struct Setting: Encodable {
        let workers: Int
        /// Seconds of a step: of the coordinator's own thread, and of its process with the threads of libzmq.
        let thread: Double
        let process: Double
    }

    private static let turns = 8

    let name: String
    let batch: Int
    let settings: [Setting]
    /// Seconds of a step for each further worker: the slope of the straight line through the settings.
    let threadEach: Double
    let processEach: Double

    /// Takes so many steps with each number of workers, in turns, and keeps the median of the turns.
    ///
    /// - Parameters:
    ///   - bench: Its workers pretend; no setting is a single process.
    ///   - steps: Of each setting.
    /// - Throws: Why a setting could not be run to its end.
    init(_ bench: Bench, steps: Int) throws {
        let block = max(1, steps / Self.turns)
        let times = try bench.withRunners { runners in
            var times: [[(thread: Double, process: Double)]] = runners.map { _ in [] }
            for runner in runners { _ = try runner.take(max(2, block / 4)) }
            for _ in 0..<Self.turns {
                for (index, runner) in runners.enumerated() {
                    try bench.checkStop()
                    let (thread, process) = (ProcessorClock.threadSeconds, ProcessorClock.processSeconds)
                    _ = try runner.take(block)
                    times[index].append(
                        (
                            (ProcessorClock.threadSeconds - thread) / Double(block),
                            (ProcessorClock.processSeconds - process) / Double(block)
                        ))
                }
            }
            return times
        }
        name = bench.runs[0].run.configuration.name
        batch = bench.runs[0].run.schedule.batch
        settings = zip(bench.runs, times).map { run, times in
            Setting(
                workers: run.setting.workers, thread: Statistics(times.map(\.thread)).median,
                process: Statistics(times.map(\.process)).median)
        }
        threadEach = Self.slope(settings.map { (Double($0.workers), $0.thread) })
        processEach = Self.slope(settings.map { (Double($0.workers), $0.process) })
    }

    /// Of the straight line that is nearest to the points, by least squares; 0 for one point.
    static func slope(_ points: [(x: Double, y: Double)]) -> Double {
        let count = Double(points.count)
        let (x, y) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
        let spread = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
        return spread > 0 ? points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / spread : 0
    }

    /// The report, line by line.
    var lines: [String] {
        ["\(name), mini-batch \(batch): what the coordinator computes in a step while workers only pretend to, us"]
            + columns(
                [["", "its thread", "its process"]]
                    + settings.map {
                        [
                            $0.workers == 1 ? "1 worker" : "\($0.workers) workers", microseconds($0.thread),
                            microseconds($0.process),
                        ]
                    })
            + [
                "Each further worker costs \(microseconds(threadEach)) us a step, with the threads of libzmq "
                    + "\(microseconds(processEach)) us."
            ]
    }

    /// Everything, for other programs: times in seconds.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private func microseconds(_ seconds: Double) -> String { decimal(seconds * 1e6, 1) }
}

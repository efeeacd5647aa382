import Foundation
import LockstepArtifacts
import LockstepCostModel
import LockstepNetwork
import LockstepTimeline
import Testing

@testable import LockstepBench
@testable import LockstepRuntime

@Suite("The result of a bench")
struct BenchResultTests {
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
        messages: .init(fixed: 100e-6, each: 20e-6), parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2,
        contention: 1.2)

    private static func timeline(_ name: String, _ times: [Phase: UInt64]) -> ProcessTimeline {
        ProcessTimeline(
            name: name, processID: 1, clockOffset: 0, totals: Phase.allCases.map { times[$0] ?? 0 }, spans: [])
    }

    private static func measured(workers: Int, _ turns: [Double]) -> BenchResult.Measured {
        let names = workers == 0 ? ["one process"] : ["coordinator"] + (1...workers).map { "worker \($0)" }
        return BenchResult.Measured(
            setting: BenchSetting(workers: workers, shards: max(1, workers)), turns: turns, steps: 10,
            processes: names.map {
                BenchProcess(timeline($0, [.forward: 1_000]), steps: 10, waitingIn: nil)
            })
    }

    private static func result(
        _ workers: [Int], usedByOthers: Double = 0, turns: (Int) -> [Double] = { $0 == 0 ? [20e-6] : [100e-6] }
    ) -> BenchResult {
        BenchResult(
            name: "a", network: Architecture(sizes: [784, 30, 10]),
            flopsPerSample: 2 * (2 * 784 * 30 + 3 * 30 * 10), batch: 10, samples: 1_000, kernel: "avx2",
            measured: workers.map { measured(workers: $0, turns($0)) }, model: model, peak: 1e9,
            machine: BenchMachine(
                processor: "a CPU", load: MachineLoad(usedByOthers: usedByOthers, threadShare: 0.99, cores: 2),
                loadAverage: 1.5))
    }

    @Test("Speedup is against the first setting, and bounded by the largest share of a mini-batch")
    func speedup() {
        let result = Self.result([0, 2, 3])
        #expect(result.reference.setting.workers == 0)
        #expect(result.speedup(result.measured[0]) == 1 && abs(result.speedup(result.measured[1]) - 0.2) < 1e-12)
        #expect(result.bound(result.measured[0]) == 1 && result.bound(result.measured[1]) == 2)
        // Three workers share ten samples as 4, 3 and 3.
        #expect(result.bound(result.measured[2]) == 2.5)
    }

    @Test("A step of a layer is three products, of the first layer two")
    func flops() {
        #expect(Self.result([0]).flops == Double(2 * 10 * (2 * 784 * 30 + 3 * 30 * 10)))
    }

    @Test(
        "It is summed up for the workers that were measured",
        arguments: [([0], []), ([0, 1], [1]), ([0, 1, 2, 4], [2, 4])])
    func summarized(measured: [Int], workers: [Int]) {
        #expect(Self.result(measured).summarized.map(\.setting.workers) == workers)
    }

    /// Six turns of one process and of two workers.
    private static func pair(_ alone: [Double], _ two: [Double], usedByOthers: Double = 0) -> BenchResult {
        result([0, 2], usedByOthers: usedByOthers) { $0 == 0 ? alone : two }
    }

    @Test("The interval of a speedup is of the ratios of the turns: a machine that drifts does not widen it")
    func drift() {
        let alone = [10e-6, 20e-6, 40e-6, 80e-6, 60e-6, 30e-6]
        let result = Self.pair(alone, alone.map { $0 / 2 })
        let interval = result.speedupInterval(result.measured[1])
        #expect(abs(interval.lowerBound - 2) < 1e-12 && abs(interval.upperBound - 2) < 1e-12)
        #expect(result.comparison(result.measured[1]) == .faster)
    }

    @Test("Nothing is said of a difference within the spread, nor on a busy machine")
    func comparisons() {
        func comparison(_ two: [Double], usedByOthers: Double = 0) -> BenchResult.Comparison {
            let result = Self.pair(
                Array(repeating: 20e-6, count: two.count), two, usedByOthers: usedByOthers)
            return result.comparison(result.measured[1])
        }
        #expect(comparison([15e-6, 16e-6, 17e-6, 18e-6, 19e-6, 19.5e-6]) == .faster)
        #expect(comparison([15e-6, 16e-6, 17e-6, 18e-6, 19e-6, 20.5e-6]) == .undecided)
        #expect(comparison([21e-6, 22e-6, 23e-6, 24e-6, 25e-6, 26e-6]) == .slower)
        #expect(comparison([15e-6, 16e-6, 17e-6, 18e-6, 19e-6, 19.5e-6], usedByOthers: 1) == .busy)
        #expect(comparison([15e-6, 16e-6, 17e-6, 18e-6, 19e-6, 19.5e-6], usedByOthers: 0.2) == .faster)
    }

    @Test("The model's error is one at a number of workers that it was not fitted to; with one number it is unknown")
    func modelError() throws {
        #expect(Self.result([0, 2]).modelError == nil && Self.result([0]).modelError == nil)
        // Fitted to 100 us with one or with two workers alone, the model has to be wrong about 150 us with the other.
        let result = Self.result([0, 1, 2]) { $0 == 0 ? [20e-6] : $0 == 1 ? [100e-6] : [150e-6] }
        #expect(try #require(result.modelError) > 0.2)
        #expect(Self.result([0, 2]).predictedInterval(1.5, workers: 2) == nil)
        let interval = try #require(result.predictedInterval(1.5, workers: 4))
        let error = try #require(result.modelError)
        #expect(interval.lowerBound == 1.5 / (1 + error) && interval.upperBound == 1.5 * (1 + error))
    }

    @Test("The break-even is never on the other side of the measured mini-batch than the measurement")
    func breakEven() throws {
        let slow = Self.result([0, 2])
        let above = try #require(slow.breakEven(slow.measured[1]))
        #expect(try #require(above.earliest) > 10 && above.latest ?? .max >= above.earliest ?? 0)
        // Faster at ten samples already.
        let fast = Self.result([0, 2]) { $0 == 0 ? [100e-6] : [60e-6] }
        let below = try #require(fast.breakEven(fast.measured[1]))
        #expect(try #require(below.latest) <= 10 && below.earliest ?? .max <= below.latest ?? 0)
        let even = Self.pair(Array(repeating: 20e-6, count: 6), [18e-6, 19e-6, 20e-6, 20e-6, 21e-6, 22e-6])
        let around = try #require(even.breakEven(even.measured[1]))
        #expect(try #require(around.earliest) <= 10 && around.latest ?? .max >= 10)
        // A busy machine says nothing, and neither does a model that is off by half or more.
        let busy = Self.result([0, 2], usedByOthers: 1)
        #expect(busy.breakEven(busy.measured[1]) == nil)
        let wrong = Self.result([0, 1, 2]) { $0 == 0 ? [20e-6] : $0 == 1 ? [100e-6] : [400e-6] }
        #expect(try #require(wrong.modelError) > 0.5 && wrong.breakEven(wrong.measured[2]) == nil)
    }

    @Test("Predictions are for powers of two and for what was measured")
    func predicted() {
        #expect(Self.result([0, 1, 3]).predictedWorkers == [1, 2, 3, 4, 8, 16])
        #expect(Self.result([0, 32]).predictedWorkers == [1, 2, 4, 8, 16, 32])
    }

    @Test("A process's time is a step's; a worker waits for the rest of it")
    func processes() {
        let own = Self.timeline("worker 1", [.gather: 1_000, .forward: 2_000, .backward: 3_000, .wait: 900_000])
        let worker = BenchProcess(own, steps: 10, waitingIn: 1e-6)
        #expect(abs(worker.compute - 0.6e-6) < 1e-15 && abs(worker[.wait] - 0.4e-6) < 1e-15)
        let late = BenchProcess(own, steps: 10, waitingIn: 0.1e-6)
        #expect(late[.wait] == 0)
        let coordinator = BenchProcess(own, steps: 10, waitingIn: nil)
        #expect(abs(coordinator[.wait] - 90e-6) < 1e-12)
    }

    @Test("The JSON has the names that other programs read")
    func json() throws {
        let link = try #require(BenchLink("1gbit"))
        let text = try Self.result([0, 2]).json(link: link, summary: "slower")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "version", "units", "machine", "name", "sizes", "network", "batch", "kernel", "cores",
                "peak_flops_per_second", "flops_per_step", "settings", "predictions", "hosts", "break_even", "verdict",
            ])
        #expect((object["hosts"] as? [Any])?.isEmpty == true)
        let machine = try #require(object["machine"] as? [String: Any])
        #expect(machine["processor"] as? String == "a CPU" && machine["is_busy"] as? Bool == false)
        #expect(machine["load_average"] as? Double == 1.5 && machine["cores_used_by_others"] as? Double == 0)
        #expect(machine["thread_share"] as? Double == 0.99)
        let breakEven = try #require(object["break_even"] as? [[String: Any]])
        #expect(breakEven.count == 2 && breakEven[0]["workers"] as? Int == 2)
        #expect(breakEven[1]["link"] as? String == "1gbit")
        #expect(object["verdict"] as? String == "slower")
        let settings = try #require(object["settings"] as? [[String: Any]])
        #expect(
            Set(settings[1].keys) == [
                "workers", "shards", "steps", "step", "samples_per_second", "speedup", "speedup_interval", "bound",
                "efficiency", "flops_per_second", "processes",
            ])
        let step = try #require(settings[1]["step"] as? [String: Any])
        #expect(Set(step.keys) == ["median", "lower_quartile", "upper_quartile", "count"])
        let predictions = try #require(object["predictions"] as? [[String: Any]])
        #expect(predictions.count == 10 && predictions.count { $0["link"] as? String == "1gbit" } == 5)
    }

    @Test("The JSON has each layout of hosts in each way in which they can be connected")
    func hosts() throws {
        let layouts = try ["4x2", "2x1"].map { try #require(HostLayout($0)) }
        let hosts = BenchHosts(layouts: layouts, fanOut: 2, link: try #require(BenchLink("100mbit")))
        let result = Self.result([0, 2])
        let text = try result.json(link: nil, hosts: hosts, summary: "")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let found = try #require(object["hosts"] as? [[String: Any]])
        #expect(found.map { $0["members"] as? String } == ["processes", "hosts", "tree", "hosts"])
        #expect(found.map { $0["copies"] as? Int } == [8, 4, 2, 2])
        #expect(found.map { $0["fan_out"] as? Int } == [nil, nil, 2, nil])
        #expect(found.allSatisfy { $0["link"] as? String == "100mbit" })
        let least = try #require(found[3]["least_transfer"] as? Double)
        #expect(abs(least - 95_440 / 12.5e6) < 1e-9)
        let step = try #require(found[3]["step"] as? Double)
        let speedup = try #require(found[3]["speedup"] as? Double)
        #expect(abs(step * speedup - result.model.single(batch: 10, shards: 1).total) < 1e-9)
    }

    @Test("With two numbers of workers the JSON has the model's error and the intervals of its predictions")
    func errors() throws {
        let text = try Self.result([0, 1, 2]).json(link: nil, summary: "")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["model_error"] as? Double ?? 0 > 0)
        let predictions = try #require(object["predictions"] as? [[String: Any]])
        for prediction in predictions {
            let interval = try #require(prediction["speedup_interval"] as? [Double])
            let speedup = try #require(prediction["speedup"] as? Double)
            #expect(interval.count == 2 && interval[0] < speedup && speedup < interval[1])
        }
    }

    @Test("The chart shows the same numbers")
    func record() {
        let record = Self.result([0, 2]).record(link: nil)
        #expect(record.settings.map(\.workers) == [0, 2] && record.predictions.map(\.workers) == [1, 2, 4, 8, 16])
        #expect(record.settings[1].bound == 2 && abs(record.settings[1].efficiency - 0.1) < 1e-12)
    }
}

@Suite("What a further worker costs a coordinator")
struct FanInTests {
    private static func fanIn(_ measured: [(Int, [Double])]) -> FanIn {
        FanIn(
            name: "a", batch: 8,
            measured: measured.map { workers, turns in
                (workers, turns.map { FanIn.Cost(thread: $0, process: 2 * $0) })
            })
    }

    @Test("It is the median slope of the turns, with an interval")
    func slope() throws {
        let fanIn = Self.fanIn([(1, [10, 10, 10]), (3, [14, 12, 18])])
        let each = try #require(fanIn.threadEach)
        #expect(each.estimate == 2 && each.lower == 1 && each.upper == 4)
        #expect(try #require(fanIn.processEach).estimate == 4)
        #expect(fanIn.settings.map(\.thread) == [10, 14] && fanIn.settings.map(\.workers) == [1, 3])
    }

    @Test("It is never negative")
    func negative() throws {
        let each = try #require(Self.fanIn([(1, [10, 10, 10]), (2, [9, 8, 9.5])]).threadEach)
        #expect(each.estimate == 0 && each.lower == 0 && each.upper == 0)
        let uncertain = try #require(Self.fanIn([(1, [10, 10, 10]), (2, [9, 8, 11])]).threadEach)
        #expect(uncertain.estimate == 0 && uncertain.lower == 0 && uncertain.upper == 1)
    }

    @Test("One number of workers shows no cost of a further one")
    func one() throws {
        #expect(Self.fanIn([(2, [10, 11])]).threadEach == nil)
        let text = try Self.fanIn([(2, [10, 11])]).json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["thread_each"] == nil && object["version"] != nil && object["units"] != nil)
    }
}

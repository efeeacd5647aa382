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

    private static func measured(workers: Int, _ seconds: Double) -> BenchResult.Measured {
        let names = workers == 0 ? ["one process"] : ["coordinator"] + (1...workers).map { "worker \($0)" }
        return BenchResult.Measured(
            setting: BenchSetting(workers: workers, shards: max(1, workers)), seconds: Statistics([seconds]), steps: 10,
            processes: names.map {
                BenchProcess(timeline($0, [.forward: 1_000]), steps: 10, waitingIn: nil)
            })
    }

    private static func result(_ workers: [Int]) -> BenchResult {
        BenchResult(
            name: "a", network: Architecture(sizes: [784, 30, 10]),
            flopsPerSample: 2 * (2 * 784 * 30 + 3 * 30 * 10), batch: 10, samples: 1_000, kernel: "avx2",
            measured: workers.map { measured(workers: $0, $0 == 0 ? 20e-6 : 100e-6) }, model: model, peak: 1e9)
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
        "It is summed up for the workers that were measured, or for two",
        arguments: [
            ([0], [2]), ([0, 1], [2]), ([0, 1, 2, 4], [2, 4]),
        ])
    func summarized(measured: [Int], workers: [Int]) {
        #expect(Self.result(measured).summarizedWorkers == workers)
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
            Set(object.keys).subtracting(["crossover_batch"]) == [
                "name", "sizes", "network", "batch", "kernel", "cores", "peak_flops_per_second", "flops_per_step",
                "settings",
                "predictions", "model_error", "verdict",
            ])
        #expect(object["verdict"] as? String == "slower")
        let settings = try #require(object["settings"] as? [[String: Any]])
        #expect(
            Set(settings[1].keys) == [
                "workers", "shards", "steps", "step", "samples_per_second", "speedup", "bound", "efficiency",
                "flops_per_second", "processes",
            ])
        let step = try #require(settings[1]["step"] as? [String: Any])
        #expect(Set(step.keys) == ["median", "lower_quartile", "upper_quartile", "count"])
        let predictions = try #require(object["predictions"] as? [[String: Any]])
        #expect(predictions.count == 10 && predictions.count { $0["link"] as? String == "1gbit" } == 5)
    }

    @Test("The chart shows the same numbers")
    func record() {
        let record = Self.result([0, 2]).record(link: nil)
        #expect(record.settings.map(\.workers) == [0, 2] && record.predictions.map(\.workers) == [1, 2, 4, 8, 16])
        #expect(record.settings[1].bound == 2 && abs(record.settings[1].efficiency - 0.1) < 1e-12)
    }
}

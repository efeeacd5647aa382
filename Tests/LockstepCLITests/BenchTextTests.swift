import LockstepCostModel
import LockstepNetwork
import LockstepTimeline
import Testing

@testable import LockstepBench
@testable import LockstepCLI
@testable import LockstepRuntime

@Suite("What a bench prints")
struct BenchTextTests {
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
        messages: .init(fixed: 100e-6, each: 20e-6), parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2,
        contention: 1.2)

    private static func process(_ name: String, _ phase: Phase, _ seconds: Double) -> BenchProcess {
        var totals = Phase.allCases.map { _ in UInt64(0) }
        totals[Int(phase.rawValue)] = UInt64(seconds * 1e9)
        return BenchProcess(
            ProcessTimeline(name: name, processID: 1, clockOffset: 0, totals: totals, spans: []), steps: 1,
            waitingIn: nil)
    }

    private static let result = BenchResult(
        name: "mnist-30", network: Architecture(sizes: [784, 30, 10]),
        flopsPerSample: 2 * (2 * 784 * 30 + 3 * 30 * 10), batch: 10, samples: 50_000, kernel: "avx2",
        measured: [
            BenchResult.Measured(
                setting: BenchSetting(workers: 0, shards: 1), seconds: Statistics([18e-6, 20e-6, 22e-6]), steps: 3,
                processes: [process("one process", .forward, 12e-6)]),
            BenchResult.Measured(
                setting: BenchSetting(workers: 2, shards: 2), seconds: Statistics([100e-6]), steps: 3,
                processes: [process("coordinator", .reduce, 1e-6), process("worker 1", .forward, 6e-6)]),
        ],
        model: model, peak: 50e9)

    @Test("Heading, table and phases")
    func report() {
        let lines = BenchText(result: Self.result, link: nil).lines
        #expect(
            lines[0]
                == "mnist-30: 784-30-10, mini-batch 10, kernel avx2, 2 cores, peak of matrix products 50.0 GFLOP/s "
                + "a core")
        #expect(
            Array(lines[2...4]) == [
                "                step    spread   samples/s   speedup    bound   efficiency   GFLOP/s   of peak",
                "1 process   0.020 ms   ± 5.0 %     500,000    1.00 x   1.00 x        100 %      47.9      96 %",
                "2 workers   0.100 ms   ± 0.0 %     100,000    0.20 x   2.00 x         10 %       9.6      19 %",
            ])
        #expect(lines[6].hasPrefix("us a step") && lines[6].hasSuffix("forward   reduce"))
        #expect(lines[8].hasPrefix("2 workers: coordinator") && lines[9].hasPrefix("2 workers: worker 1"))
    }

    @Test("The summary is about each number of workers, and about the link")
    func summaries() throws {
        let plain = BenchText(result: Self.result, link: nil).lines
        #expect(plain.count { $0.hasPrefix("Summary: at mini-batch 10, a step of 2 workers takes ") } == 1)
        let link = try #require(BenchLink("1gbit,0.2ms"))
        let far = BenchText(result: Self.result, link: link).lines
        #expect(far.count { $0.hasPrefix("Over 1gbit,0.2ms: at mini-batch 10, a step of 2 workers takes ") } == 1)
        #expect(far.contains { $0.hasSuffix("   over 1gbit,0.2ms   speedup") })
    }

    @Test("What each further worker costs a coordinator")
    func fanIn() {
        let fanIn = FanIn(
            name: "mnist-30", batch: 32,
            settings: [
                .init(workers: 1, thread: 10e-6, process: 14e-6), .init(workers: 3, thread: 14e-6, process: 20e-6),
            ])
        #expect(
            BenchText.lines(fanIn) == [
                "mnist-30, mini-batch 32: processor time of the coordinator in a step whose workers do not compute, us",
                "            its thread   its process",
                "1 worker          10.0          14.0",
                "3 workers         14.0          20.0",
                "Each further worker costs 2.0 us a step; with the threads of libzmq, 3.0 us.",
            ])
    }
}

import Foundation
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

    private static func result(
        _ workers: [Int] = [2], usedByOthers: Double = 0, alone: [Double] = [18e-6, 20e-6, 22e-6],
        steps: [Double] = [100e-6, 100e-6, 100e-6]
    ) -> BenchResult {
        BenchResult(
            name: "mnist-30", network: Architecture(sizes: [784, 30, 10]),
            flopsPerSample: 2 * (2 * 784 * 30 + 3 * 30 * 10), batch: 10, samples: 50_000, kernel: "avx2",
            measured: [
                BenchResult.Measured(
                    setting: BenchSetting(workers: 0, shards: 1), turns: alone, steps: 3,
                    processes: [process("one process", .forward, 12e-6)])
            ]
                + workers.map { workers in
                    BenchResult.Measured(
                        setting: BenchSetting(workers: workers, shards: workers), turns: steps, steps: 3,
                        processes: [process("coordinator", .reduce, 1e-6), process("worker 1", .forward, 6e-6)])
                },
            model: model, peak: 50e9,
            machine: BenchMachine(
                processor: "AMD EPYC", load: MachineLoad(usedByOthers: usedByOthers, cores: 2), loadAverage: 1))
    }

    @Test("Hosts are predicted in each way in which they can be connected")
    func hosts() throws {
        let hosts = BenchHosts(
            layouts: [try #require(HostLayout("4x2"))], fanOut: 2, link: try #require(BenchLink("100mbit")))
        let lines = BenchText(result: Self.result(), link: hosts.link, hosts: hosts).lines.suffix(6)
        #expect(
            lines.first
                == "Hosts behind 100mbit, by the model; each has a core like this machine's for each process:")
        let rows = lines.dropFirst().map { $0.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(rows[0] == ["hosts", "members", "step", "speedup", "compute", "communicate", "copies"])
        #expect(rows[1...3].map { $0[1] } == ["each process", "each host", "a tree, fan-out 2"])
        #expect(rows[1...3].map { $0[6] } == ["8", "4", "2"])
        // 2 * 95,440 * 3 / (4 * 12.5e6) seconds.
        #expect(
            lines.last == "No exchange of gradients among 4 hosts takes less than 11.5 ms over such links.")
    }

    @Test("Heading, table and phases")
    func report() {
        let lines = BenchText(result: Self.result(), link: nil).lines
        #expect(
            lines[0]
                == "mnist-30: 784-30-10, mini-batch 10, kernel avx2, 2 cores of AMD EPYC, peak of matrix products "
                + "50.0 GFLOP/s a core")
        #expect(
            Array(lines[2...4]) == [
                "                step    spread   samples/s   speedup    bound   efficiency   GFLOP/s   of peak",
                "1 process   0.020 ms   ± 5.0 %     500,000    1.00 x   1.00 x        100 %      47.9      96 %",
                "2 workers   0.100 ms   ± 0.0 %     100,000    0.20 x   2.00 x         10 %       9.6      19 %",
            ])
        #expect(lines[6].hasPrefix("us a step") && lines[6].hasSuffix("forward   reduce"))
        #expect(lines[8].hasPrefix("2 workers: coordinator") && lines[9].hasPrefix("2 workers: worker 1"))
    }

    private static func summary(_ result: BenchResult) -> String {
        BenchText(result: result, link: nil).summary(result.measured[1])
    }

    @Test("The summary quotes what was measured, with the interval of the speedup")
    func summaries() {
        let start = "at mini-batch 10, a step took 0.100 ms on 2 workers and 0.020 ms in one process: "
        #expect(
            Self.summary(Self.result()).hasPrefix(
                start + "2 workers are slower (0.18 to 0.22 x); the slowest worker computed for 0.006 ms; break-even "))
        #expect(
            Self.summary(Self.result(alone: [150e-6, 200e-6, 250e-6])).hasPrefix(
                "at mini-batch 10, a step took 0.100 ms on 2 workers and 0.200 ms in one process: 2.00 x as fast "
                    + "(1.50 to 2.50 x); the slowest worker computed for 0.006 ms; break-even "))
        #expect(
            Self.summary(Self.result([1])) == "at mini-batch 10, a step took 0.100 ms on 1 worker and 0.020 ms in one "
                + "process: 1 worker is slower (0.18 to 0.22 x); the slowest worker computed for 0.006 ms")
    }

    @Test("Nothing is said of a difference within the spread, or of any on a busy machine")
    func spread() {
        #expect(
            Self.summary(Self.result(alone: [90e-6, 104e-6, 110e-6])).hasPrefix(
                "at mini-batch 10, a step took 0.100 ms on 2 workers and 0.104 ms in one process: no difference beyond "
                    + "the spread (0.90 to 1.10 x); "))
        let busy = Self.result(usedByOthers: 1.2, alone: [150e-6, 200e-6, 250e-6])
        #expect(
            Self.summary(busy)
                == "at mini-batch 10, a step took 0.100 ms on 2 workers and 0.200 ms in one process; this "
                + "machine is busy (other programs use 1.2 of its 2 cores): figures may be off by 2 x")
        let lines = BenchText(result: busy, link: nil).lines
        #expect(lines.contains { $0.hasPrefix("4 workers") && $0.hasSuffix("   -") })
    }

    @Test("The break-even is an interval, and names the error of the model")
    func breakEven() throws {
        // Two numbers of workers with the same step: a fit to either one is wrong about the other.
        let several = Self.result([1, 2])
        let error = try #require(several.modelError)
        let text = BenchText(result: several, link: nil).summary(several.measured[2])
        #expect(text.hasSuffix(" samples, by a model that is off by up to \(decimal(100 * error, 0)) %"), "\(text)")
        #expect(text.contains("; break-even between "))
        #expect(Self.summary(Self.result()).hasSuffix(" samples, by a model whose error is unknown"))
        let unsure = Self.result(alone: [10e-6, 20e-6, 40e-6])
        #expect(Self.summary(unsure).contains("; break-even unknown: "))
    }

    @Test("Below the predictions stands the model's error where it was not fitted, or that it is unknown")
    func modelError() throws {
        let several = Self.result([1, 2])
        let error = try #require(several.modelError)
        let lines = BenchText(result: several, link: nil).lines
        #expect(
            lines.last == "Fitted without one number of workers, the model is off there by at most "
                + "\(decimal(100 * error, 1)) %; farther from what was measured it is a guess.")
        #expect(lines.contains { $0.hasPrefix("4 workers") && $0.contains(" to ") })
        let one = BenchText(result: Self.result(), link: nil).lines
        #expect(one.last?.hasPrefix("The model's error is unknown: ") == true)
        #expect(one.contains { $0.hasPrefix("4 workers") && $0.contains("   about ") })
    }

    @Test("What lies over a link is named as the model's")
    func link() throws {
        let link = try #require(BenchLink("1gbit,0.2ms"))
        let far = BenchText(result: Self.result(), link: link).lines
        #expect(far.count { $0.hasPrefix("Over 1gbit,0.2ms: by the model, a step of 2 workers takes ") } == 1)
        #expect(
            far.contains { $0.hasPrefix("predicted") && $0.contains("   over 1gbit,0.2ms ") && $0.hasSuffix("speedup") }
        )
    }

    private static func fanIn(_ measured: [(Int, [Double])]) -> [String] {
        BenchText.lines(
            FanIn(
                name: "mnist-30", batch: 32,
                measured: measured.map { workers, turns in
                    (workers, turns.map { FanIn.Cost(thread: $0 * 1e-6, process: $0 * 2e-6) })
                }))
    }

    @Test("What each further worker costs a coordinator is an interval, and never negative")
    func fanIn() {
        #expect(
            Self.fanIn([(1, [10, 10, 10]), (3, [14, 12, 18])]) == [
                "mnist-30, mini-batch 32: processor time of the coordinator in a step whose workers do not compute, us",
                "            its thread   its process",
                "1 worker          10.0          20.0",
                "3 workers         14.0          28.0",
                "Each further worker costs in a step: 2.0 us (1.0 to 4.0); with the threads of libzmq: 4.0 us (2.0 to 8.0).",
            ])
        #expect(
            Self.fanIn([(1, [10, 10, 10]), (2, [9, 8, 11])]).last
                == "Each further worker costs in a step: at most 1.0 us; with the threads of libzmq: at most 2.0 us.")
        #expect(
            Self.fanIn([(1, [10, 10, 10]), (2, [9, 8, 9])]).last
                == "Each further worker costs in a step: nothing that can be measured; with the threads of libzmq: "
                + "nothing that can be measured.")
        #expect(
            Self.fanIn([(2, [10])]).last
                == "The cost of a further worker takes several numbers of workers to measure: --workers 1,2,4.")
    }
}

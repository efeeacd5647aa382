import LockstepBench
import LockstepCostModel
import LockstepNetwork
import LockstepText
import LockstepTimeline

/// What `lockstep bench` prints.
struct BenchText {
    let result: BenchResult
    /// A link to predict for, besides workers of this host.
    let link: BenchLink?

    /// The report, line by line.
    var lines: [String] {
        [heading, ""] + table + [""] + phases + [""] + summaries + [""] + predictions
    }

    private var heading: String {
        "\(result.name): \(result.network.summary), mini-batch \(result.batch), kernel "
            + "\(result.kernel), \(counted(result.cores, "core")), peak of matrix products "
            + "\(decimal(result.peak / 1e9, 1)) GFLOP/s a core"
    }

    private var table: [String] {
        var rows = [["", "step", "spread", "samples/s", "speedup", "bound", "efficiency", "GFLOP/s", "of peak"]]
        for one in result.measured {
            let step = one.seconds.median
            let rate = result.flops / step
            let (speedup, bound) = (result.speedup(one), result.bound(one))
            rows.append([
                Self.name(one.setting), milliseconds(step), "± \(decimal(100 * one.seconds.spread, 1)) %",
                grouped(Int((Double(result.batch) / step).rounded())), times(speedup), times(bound),
                percentage(speedup, of: bound, digits: 0), decimal(rate / 1e9, 1),
                percentage(rate, of: result.peak, digits: 0),
            ])
        }
        return alignedColumns(rows)
    }

    /// Where the time of a step goes, in microseconds; a column for each phase that takes any.
    private var phases: [String] {
        let used = Phase.allCases.filter { phase in
            result.measured.contains { $0.processes.contains { $0[phase] * 1e6 >= 0.05 } }
        }
        var rows = [["us a step"] + used.map { "\($0)" }]
        for one in result.measured {
            for process in one.processes {
                let name = Self.name(one.setting)
                rows.append(
                    [one.setting.workers == 0 ? name : "\(name): \(process.name)"]
                        + used.map { microseconds(process[$0]) })
            }
        }
        return alignedColumns(rows)
    }

    private var summaries: [String] {
        let counts = result.summarizedWorkers
        var lines = counts.map { "Summary: \(summary(workers: $0))" }
        if let link { lines += counts.map { "Over \(link.text): \(summary(workers: $0, link: link))" } }
        return lines
    }

    /// Whether so many workers are faster, why, and from which mini-batch on.
    func summary(workers: Int, link: BenchLink? = nil) -> String {
        result.model.summary(batch: result.batch, workers: workers, link: link?.link, limit: result.samples)
    }

    private var predictions: [String] {
        let alone = result.model.single(batch: result.batch, shards: result.reference.setting.shards).total
        var rows = [["predicted", "step", "speedup"] + (link.map { ["over \($0.text)", "speedup"] } ?? [])]
        for workers in result.predictedWorkers {
            let here = result.model.distributed(batch: result.batch, shards: workers, workers: workers).total
            var row = [counted(workers, "worker"), milliseconds(here), times(alone / here)]
            if let link {
                let there = result.model.distributed(
                    batch: result.batch, shards: workers, workers: workers, link: link.link
                ).total
                row += [milliseconds(there), times(alone / there)]
            }
            rows.append(row)
        }
        return alignedColumns(rows) + [
            "The model is off by at most \(decimal(100 * result.fitError, 1)) % where it was measured; beyond that it is "
                + "a guess."
        ]
    }

    private static func name(_ setting: BenchSetting) -> String {
        setting.workers == 0 ? "1 process" : counted(setting.workers, "worker")
    }

    /// The report on what each further worker costs the coordinator.
    static func lines(_ fanIn: FanIn) -> [String] {
        [
            "\(fanIn.name), mini-batch \(fanIn.batch): processor time of the coordinator in a step whose workers do not compute, us"
        ]
            + alignedColumns(
                [["", "its thread", "its process"]]
                    + fanIn.settings.map {
                        [counted($0.workers, "worker"), microseconds($0.thread), microseconds($0.process)]
                    })
            + [
                "Each further worker costs \(microseconds(fanIn.threadEach)) us a step; with the threads of libzmq, "
                    + "\(microseconds(fanIn.processEach)) us."
            ]
    }
}

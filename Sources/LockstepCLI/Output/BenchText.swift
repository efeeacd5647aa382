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
    /// Layouts of hosts to predict for.
    var hosts: BenchHosts?

    /// The report, line by line.
    var lines: [String] {
        [heading, ""] + table + [""] + phases + [""] + summaries + [""] + predictions
            + (hosts.map { [""] + hostLines($0) } ?? [])
    }

    private var heading: String {
        let machine = counted(result.cores, "core") + (result.machine.processor.map { " of \($0)" } ?? "")
        return "\(result.name): \(result.network.summary), mini-batch \(result.batch), kernel "
            + "\(result.kernel), \(machine), peak of matrix products "
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
        var lines = result.summarized.map { "Summary: \(summary($0))" }
        if let link { lines += result.summarized.map { "Over \(link.text): \(forecast($0, over: link))" } }
        return lines
    }

    /// What was measured of so many workers, where their time goes, and from which mini-batch on they are faster.
    func summary(_ one: BenchResult.Measured) -> String {
        let workers = counted(one.setting.workers, "worker")
        let (step, alone) = (one.seconds.median, result.reference.seconds.median)
        let start =
            "at mini-batch \(grouped(result.batch)), a step took \(milliseconds(step)) on \(workers) and "
            + "\(milliseconds(alone)) in one process"
        let comparison: String
        switch result.comparison(one) {
        case .busy: return "\(start); \(result.machine.load.warning)"
        case .faster: comparison = "\(times(result.speedup(one))) as fast (\(interval(result.speedupInterval(one))))"
        case .slower:
            comparison =
                "\(workers) \(one.setting.workers == 1 ? "is" : "are") slower "
                + "(\(interval(result.speedupInterval(one))))"
        case .undecided:
            comparison = "no difference beyond the spread (\(interval(result.speedupInterval(one))))"
        }
        let parts = "the slowest worker computed for \(milliseconds(one.compute))"
        guard one.setting.workers > 1 else { return "\(start): \(comparison); \(parts)" }
        return "\(start): \(comparison); \(parts); \(breakEven(one))"
    }

    /// What the model says of workers behind a link, where nothing was measured.
    private func forecast(_ one: BenchResult.Measured, over link: BenchLink) -> String {
        let workers = one.setting.workers
        let step = result.model.distributed(
            batch: result.batch, shards: workers, workers: workers, link: link.link)
        let end = result.isBusy ? result.machine.load.warning : breakEven(one, over: link)
        return "by the model, a step of \(counted(workers, "worker")) takes \(milliseconds(step.total)), of which "
            + "\(milliseconds(step.compute)) compute and \(milliseconds(step.communication)) communicate; one process "
            + "took \(milliseconds(result.reference.seconds.median)); \(end)"
    }

    private func breakEven(_ one: BenchResult.Measured, over link: BenchLink? = nil) -> String {
        guard let found = result.breakEven(one, link: link) else {
            return "break-even unknown: the model and the measurements are too uncertain"
        }
        let model = result.modelError.map { "a model that is off by up to \(decimal(100 * $0, 0)) %" }
        let basis = "by \(model ?? "a model whose error is unknown")"
        guard let earliest = found.earliest.map(roundedToTwoDigits) else {
            return "no break-even at any mini-batch of this data set, \(basis)"
        }
        guard let latest = found.latest.map(roundedToTwoDigits) else {
            return "break-even at \(grouped(earliest)) samples or more, if at all, \(basis)"
        }
        let range =
            earliest == latest ? "at about \(grouped(earliest))" : "between \(grouped(earliest)) and \(grouped(latest))"
        return "break-even \(range) samples, \(basis)"
    }

    private func interval(_ range: ClosedRange<Double>) -> String {
        "\(decimal(range.lowerBound, 2)) to \(times(range.upperBound))"
    }

    private var predictions: [String] {
        let alone = result.model.single(batch: result.batch, shards: result.reference.setting.shards).total
        func cells(_ workers: Int, _ link: BenchLink?) -> [String] {
            let step = result.model.distributed(
                batch: result.batch, shards: workers, workers: workers, link: link?.link
            ).total
            if result.isBusy { return [milliseconds(step), "-"] }
            let speedup = result.predictedInterval(alone / step, workers: workers).map(interval)
            return [milliseconds(step), speedup ?? "about \(times(alone / step))"]
        }
        var rows = [["predicted", "step", "speedup"] + (link.map { ["over \($0.text)", "speedup"] } ?? [])]
        for workers in result.predictedWorkers {
            rows.append([counted(workers, "worker")] + cells(workers, nil) + (link.map { cells(workers, $0) } ?? []))
        }
        return alignedColumns(rows) + [modelError]
    }

    private var modelError: String {
        guard let error = result.modelError else {
            return "The model's error is unknown: it takes two numbers of workers to fit it to one and test it at the "
                + "other (--workers 1,2)."
        }
        return "Fitted without one number of workers, the model is off there by at most \(decimal(100 * error, 1)) %; "
            + "farther from what was measured it is a guess."
    }

    /// What the model says of many hosts, of which none was measured.
    private func hostLines(_ hosts: BenchHosts) -> [String] {
        let alone = result.model.single(batch: result.batch, shards: result.reference.setting.shards).total
        var rows = [["hosts", "members", "step", "speedup", "compute", "communicate", "copies"]]
        for one in hosts.predictions(result.model, batch: result.batch) {
            let members =
                switch one.topology {
                case .processes: "each process"
                case .hosts: "each host"
                case .tree(let fanOut): "a tree, fan-out \(fanOut)"
                }
            rows.append([
                "\(one.layout.hosts) x \(one.layout.processes)", members, milliseconds(one.step.total),
                result.isBusy ? "-" : "about \(times(alone / one.step.total))", milliseconds(one.step.compute),
                milliseconds(one.step.communication), grouped(one.topology.copies(one.layout)),
            ])
        }
        return ["Hosts behind \(hosts.link.text), by the model; each has a core like this machine's for each process:"]
            + alignedColumns(rows)
            + hosts.layouts.filter { $0.hosts > 1 }.map {
                "No exchange of gradients among \($0.hosts) hosts takes less than "
                    + "\(milliseconds(result.model.leastTransfer($0, link: hosts.link.link))) over such links."
            }
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
            + [eachLine(fanIn)]
    }

    private static func eachLine(_ fanIn: FanIn) -> String {
        guard let thread = fanIn.threadEach, let process = fanIn.processEach else {
            return "The cost of a further worker takes several numbers of workers to measure: --workers 1,2,4."
        }
        return "Each further worker costs in a step: \(cost(thread)); with the threads of libzmq: \(cost(process))."
    }

    /// `2.0 us (1.6 to 2.4)`, or what is certain where 0 is possible.
    private static func cost(_ slope: FanIn.Slope) -> String {
        if slope.upper <= 0 { return "nothing that can be measured" }
        if slope.lower <= 0 { return "at most \(microseconds(slope.upper)) us" }
        return "\(microseconds(slope.estimate)) us (\(microseconds(slope.lower)) to \(microseconds(slope.upper)))"
    }
}

import LockstepCostModel
import LockstepTimeline

extension BenchResult {
    /// The report, line by line.
    func lines(link: LinkOption?) -> [String] {
        heading + [""] + table + [""] + phases + [""] + verdict(link: link) + [""] + prediction(link: link)
    }

    private var heading: [String] {
        [
            "\(name): \(sizes.map(String.init).joined(separator: "-")), mini-batch \(batch), kernel \(kernel), "
                + "\(cores) \(cores == 1 ? "core" : "cores"), peak of matrix products "
                + "\(decimal(peak / 1e9, 1)) GFLOP/s a core"
        ]
    }

    private var table: [String] {
        var rows = [["", "step", "spread", "samples/s", "speedup", "bound", "efficiency", "GFLOP/s", "of peak"]]
        for one in measured {
            let step = one.seconds.median
            let rate = flops / step
            rows.append([
                one.setting.name, milliseconds(step), "± \(decimal(100 * one.seconds.spread, 1)) %",
                grouped(Int(Double(batch) / step)), "\(decimal(speedup(one), 2)) x", "\(decimal(bound(one), 2)) x",
                "\(decimal(100 * speedup(one) / bound(one), 0)) %", decimal(rate / 1e9, 1),
                "\(decimal(100 * rate / peak, 0)) %",
            ])
        }
        return columns(rows)
    }

    /// Where a step's time goes, in microseconds; a column for each phase that takes any.
    private var phases: [String] {
        let used = Phase.allCases.filter { phase in
            measured.contains { $0.processes.contains { $0[phase] * 1e6 >= 0.05 } }
        }
        var rows = [["us a step"] + used.map { "\($0)" }]
        for one in measured {
            for process in one.processes {
                let name = one.setting.workers == 0 ? one.setting.name : "\(one.setting.name): \(process.name)"
                rows.append([name] + used.map { decimal(process[$0] * 1e6, 1) })
            }
        }
        return columns(rows)
    }

    private func verdict(link: LinkOption?) -> [String] {
        let counts = measured.map(\.setting.workers).filter { $0 > 1 }
        let judged = counts.isEmpty ? [2] : counts
        var lines = judged.map { "Verdict: \(model.verdict(batch: batch, workers: $0, limit: samples))" }
        if let link {
            lines += judged.map {
                "Over \(link.text): \(model.verdict(batch: batch, workers: $0, link: link.link, limit: samples))"
            }
        }
        return lines
    }

    private func prediction(link: LinkOption?) -> [String] {
        let alone = model.single(batch: batch, shards: reference.setting.shards).total
        var rows = [["predicted", "step", "speedup"] + (link.map { ["over \($0.text)", "speedup"] } ?? [])]
        for workers in predictedWorkers {
            let here = model.distributed(batch: batch, shards: workers, workers: workers).total
            var row = [
                "\(workers) \(workers == 1 ? "worker" : "workers")", milliseconds(here),
                "\(decimal(alone / here, 2)) x",
            ]
            if let link {
                let there = model.distributed(batch: batch, shards: workers, workers: workers, link: link.link).total
                row += [milliseconds(there), "\(decimal(alone / there, 2)) x"]
            }
            rows.append(row)
        }
        return columns(rows) + [
            "The model is off by at most \(decimal(100 * fitError, 1)) % where it was measured; beyond, it is a guess."
        ]
    }

    private func milliseconds(_ seconds: Double) -> String {
        "\(decimal(seconds * 1_000, seconds < 0.01 ? 3 : 1)) ms"
    }
}

/// Rows as text: the first column to the left, the others to the right.
func columns(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
        var line = ""
        for (column, cell) in row.enumerated() {
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            line += column == 0 ? cell + padding : "   " + padding + cell
        }
        return line
    }
}

import LockstepArtifacts

/// What `lockstep report` and `lockstep sweep` print about several runs.
enum ComparisonText {
    /// The tables, and the best run.
    static func lines(_ comparison: RunComparison) -> [String] {
        var lines = alignedColumns(comparison.table)
        let seeds = comparison.seedTable
        if !seeds.isEmpty { lines += ["", "Over the seeds (mean ± standard deviation):"] + alignedColumns(seeds) }
        guard let best = comparison.best else { return lines }
        let run = comparison.runs[best]
        return lines + [
            "", "Best on the validation samples: \(comparison.labels[best]); \(run.directory.bestModel)",
        ]
    }

    /// What one run came to.
    static func result(_ run: RunComparison.Run) -> String {
        guard let epoch = run.selected else { return "finished, not evaluated" }
        func share(_ name: String, _ correct: Int?, _ total: Int?, _ r2: Double?) -> String? {
            if let correct, let total { return "\(name) \(percentage(Double(correct), of: Double(total), digits: 2))" }
            return r2.map { "\(name) R² \(decimal($0, 4))" }
        }
        return [
            share("validation", epoch.validationCorrect, epoch.validationTotal, epoch.validationR2),
            share("test", epoch.correct, epoch.total, epoch.r2), "epoch \(epoch.epoch)",
            run.summary.seconds.map { duration($0) },
        ].compactMap(\.self).joined(separator: ", ")
    }
}

/// `report.html`: a run on one page that needs nothing beside it, for a browser and for keeping.
package struct RunReport {
    private let summary: RunSummary
    private let configuration: String
    private let speedup: SpeedupRecord?

    /// - Parameters:
    ///   - summary: What the run came to.
    ///   - configuration: The resolved configuration, as YAML.
    ///   - speedup: What a bench has found, if there was one.
    package init(_ summary: RunSummary, configuration: String, speedup: SpeedupRecord? = nil) {
        self.summary = summary
        self.configuration = configuration
        self.speedup = speedup
    }

    /// Makes the report of a run that has ended anew, from what lies in its directory.
    ///
    /// - Throws: ``ArtifactError`` or ``ConfigurationError`` for what is missing there or damaged.
    static func rewrite(in directory: RunDirectory) throws {
        let configuration = try ConfigurationFile.load(path: directory.configuration)
        let report = RunReport(
            try RunSummary.load(directory), configuration: ConfigurationFile.yaml(of: configuration),
            speedup: try SpeedupRecord.load(directory))
        try AtomicFile.write(report.html, to: directory.report)
    }

    package var html: String {
        ReportPage(
            title: summary.name,
            sections: [
                ReportPage.Section("Result", ReportPage.table(facts)),
                ReportPage.Section("Learning curves", charts),
            ] + speed + [
                ReportPage.Section("Membership", ReportPage.table(membership)),
                ReportPage.Section("Epochs", ReportPage.table(epochs, hasHeader: true)),
                ReportPage.Section("Configuration", "<pre>\(escapedHTML(configuration))</pre>"),
            ]
        ).html
    }

    private var speed: [ReportPage.Section] {
        speedup.map { [ReportPage.Section("Speed", $0.charts.map(\.svg).joined())] } ?? []
    }

    private var facts: [[String]] {
        let total = summary.epochs.last(where: { $0.total != nil })?.total
        func count(_ correct: Int?) -> String? {
            guard let correct, let total, total > 0 else { return nil }
            return "\(correct) of \(total) (\(percent(correct, of: total)) %)"
        }
        let rows: [(String, String?)] = [
            ("ended", summary.status.rawValue),
            ("best epoch, test samples", count(summary.bestCorrect)),
            ("chosen on the validation split, test samples", count(summary.selectedCorrect)),
            ("last epoch, test samples", count(summary.finalCorrect)),
            ("never predicted", summary.neverPredicted.flatMap { $0.isEmpty ? nil : list($0) }),
            ("steps", "\(summary.steps)"),
            ("seconds of training", summary.seconds.map { "\(rounded($0))" }),
            ("samples a second", summary.samplesPerSecond.map { "\(Int(max(-1e18, min($0, 1e18))))" }),
            ("parameters", "\(summary.parameters)"),
            ("data", "\(summary.data), SHA-256 \(summary.dataSHA256)"),
            ("kernel", summary.kernel),
            ("seed", "\(summary.seed)"),
            ("SHA-256 of the weights", summary.weightsSHA256),
            ("bitwise reproducible", summary.bitwiseReproducible ? "yes" : "no: workers with other kernels took part"),
            ("program", "lockstep \(summary.programVersion)"),
        ]
        return rows.compactMap { name, value in value.map { [name, $0] } }
    }

    private var membership: [[String]] {
        [
            ["workers at the start", "\(summary.workers)"],
            ["workers that computed at the end", "\(summary.activeWorkers)"],
            ["shards", "\(summary.shards)"],
            ["workers lost", "\(summary.workersLost)"],
            ["workers that joined later", "\(summary.workersJoined)"],
            ["shards handed on because of a loss", "\(summary.shardsReassigned)"],
            ["dead workers replaced", count(summary.restarts)],
            ["nodes of slow workers given to idle ones too", count(summary.duplicates)],
            ["steps audited", count(summary.stepsAudited)],
            ["workers that an audit found wrong", count(summary.quarantined)],
            ["longest time between two steps, ms", summary.maxStepGapMilliseconds.map { "\(rounded($0))" } ?? "-"],
            ["bytes of gradients and weights inside messages", "\(summary.inlinePayloadBytes)"],
        ]
    }

    private var epochs: [[String]] {
        [["epoch", "test", "validation", "training cost", "seconds", "weights"]]
            + summary.epochs.map { epoch in
                [
                    "\(epoch.epoch)",
                    epoch.correct.map { "\($0) / \(epoch.total ?? 0)" } ?? "-",
                    epoch.validationCorrect.map { "\($0) / \(epoch.validationTotal ?? 0)" } ?? "-",
                    epoch.trainingCost.map { "\(rounded($0))" } ?? "-",
                    epoch.seconds.map { "\(rounded($0))" } ?? "-",
                    String(epoch.weightsSHA256.prefix(8)),
                ]
            }
    }

    private var charts: String {
        Self.accuracyChart([summary]).svg
            + LineChart(
                title: "Mean cost of a sample", xLabel: "epoch",
                series: [
                    curve("training", summary.epochs.map { ($0.epoch, $0.trainingCost) }),
                    curve("validation", summary.epochs.map { ($0.epoch, $0.validationCost) }),
                    curve("test", summary.epochs.map { ($0.epoch, $0.cost) }),
                ]
            ).svg
    }

    /// Percent of test samples read correctly, a line for each run; with one run, the validation split beside it.
    package static func accuracyChart(_ summaries: [RunSummary]) -> LineChart {
        var series = summaries.map { summary in
            curve(
                summaries.count == 1 ? "test" : summary.name,
                summary.epochs.map { ($0.epoch, share($0.correct, of: $0.total)) })
        }
        if summaries.count == 1 {
            series.append(
                curve(
                    "validation",
                    summaries[0].epochs.map { ($0.epoch, share($0.validationCorrect, of: $0.validationTotal)) }))
        }
        return LineChart(title: "Read correctly, %", xLabel: "epoch", series: series)
    }

    private static func share(_ part: Int?, of whole: Int?) -> Double? {
        guard let part, let whole, whole > 0 else { return nil }
        return 100 * Double(part) / Double(whole)
    }

    /// A count that older versions did not keep.
    private func count(_ number: Int?) -> String { number.map(String.init) ?? "-" }

    private func percent(_ part: Int, of whole: Int) -> Double {
        rounded(100 * Double(part) / Double(whole), digits: 2)
    }

    private func list(_ numbers: [Int]) -> String {
        numbers.map(String.init).joined(separator: ", ")
    }
}

private func curve(_ name: String, _ values: [(Int, Double?)]) -> LineChart.Series {
    LineChart.Series(name: name, points: values.map { (Double($0.0), $0.1 ?? .nan) })
}

private func rounded(_ value: Double, digits: Int = 4) -> Double {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    return (value * factor).rounded() / factor
}

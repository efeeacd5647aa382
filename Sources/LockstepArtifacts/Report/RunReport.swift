import LockstepData
import LockstepText

/// `report.html`: a run on one page, in one file.
package struct RunReport {
    private let summary: RunSummary
    private let configuration: String
    private let speedup: SpeedupRecord?

    /// - Parameters:
    ///   - summary: The run's summary.
    ///   - configuration: The resolved configuration, as YAML.
    ///   - speedup: The result of a bench, if there is one.
    package init(_ summary: RunSummary, configuration: String, speedup: SpeedupRecord? = nil) {
        self.summary = summary
        self.configuration = configuration
        self.speedup = speedup
    }

    /// Writes the report of a run that has ended again, from the files in its directory.
    ///
    /// - Throws: ``ArtifactError`` or ``ConfigurationError`` if a file is missing or damaged.
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
        func count(_ correct: Int?, epoch: Int? = nil, file: String? = nil) -> String? {
            guard let correct, let total, total > 0 else { return nil }
            let place = [epoch.map { "epoch \($0)" }, file].compactMap { $0 }
            return (["\(correct) of \(total) (\(percent(correct, of: total)) %)"] + place).joined(separator: ", ")
        }
        let rows: [(String, String?)] = [
            ("status", summary.status.rawValue + (summary.stoppedEarly == true ? ", stopped early" : "")),
            ("correct test samples, best epoch", count(summary.bestCorrect, epoch: summary.bestEpoch)),
            (
                "correct test samples, epoch selected on the validation split",
                count(summary.selectedCorrect, epoch: summary.selectedEpoch, file: "best.safetensors")
            ),
            (
                "correct test samples, last epoch",
                count(
                    summary.finalCorrect, epoch: summary.epochs.last?.epoch,
                    file: summary.status == .finished ? "model.safetensors" : nil)
            ),
            ("classes never predicted", summary.neverPredicted.flatMap { $0.isEmpty ? nil : list($0) }),
            ("steps", "\(summary.steps)"),
            ("training time, seconds", summary.seconds.map { "\(rounded($0))" }),
            ("samples per second", summary.samplesPerSecond.map { "\(Int(max(-1e18, min($0, 1e18))))" }),
            ("parameters", "\(summary.parameters)"),
            ("data", "\(summary.data), SHA-256 \(summary.dataSHA256)"),
            ("kernel", summary.kernel),
            ("seed", "\(summary.seed)"),
            ("SHA-256 of the weights", summary.weightsSHA256),
            (
                "bitwise reproducible",
                summary.bitwiseReproducible ? "yes" : "no: workers with different kernels took part"
            ),
            ("program", "lockstep \(summary.programVersion)"),
        ]
        return rows.compactMap { name, value in value.map { [name, $0] } }
    }

    private var membership: [[String]] {
        [
            ["workers at the start", "\(summary.workers)"],
            ["workers computing at the end", "\(summary.activeWorkers)"],
            ["shards", "\(summary.shards)"],
            ["workers lost", "\(summary.workersLost)"],
            ["workers that joined later", "\(summary.workersJoined)"],
            ["shards reassigned after a loss", "\(summary.shardsReassigned)"],
            ["workers restarted", count(summary.restarts)],
            ["tasks of slow workers also given to an idle worker", count(summary.duplicates)],
            ["steps audited", count(summary.stepsAudited)],
            ["workers whose results were found wrong", count(summary.quarantined)],
            ["steps that were repeated after a fault", count(summary.stepsRepeated)],
            ["longest time between two steps, ms", summary.maxStepGapMilliseconds.map { "\(rounded($0))" } ?? "-"],
            ["bytes of gradients and weights in messages", "\(summary.inlinePayloadBytes)"],
        ]
    }

    private var epochs: [[String]] {
        [["epoch", "test", "validation", "training", "mean training loss", "learning rate", "seconds", "weights"]]
            + summary.epochs.map { epoch in
                [
                    "\(epoch.epoch)",
                    epoch.correct.map { "\($0) / \(epoch.total ?? 0)" } ?? "-",
                    epoch.validationCorrect.map { "\($0) / \(epoch.validationTotal ?? 0)" } ?? "-",
                    epoch.trainingCorrect.map { "\($0) / \(epoch.trainingTotal ?? 0)" } ?? "-",
                    epoch.trainingCost.map { "\(rounded($0))" } ?? "-",
                    epoch.learningRate.map { "\(significant($0))" } ?? "-",
                    epoch.seconds.map { "\(rounded($0))" } ?? "-",
                    String(epoch.weightsSHA256.prefix(8)),
                ]
            }
    }

    private var charts: String {
        Self.accuracyChart([summary]).svg
            + LineChart(
                title: "Mean loss", xLabel: "epoch",
                series: [
                    Self.curve("training", summary.epochs.map { ($0.epoch, $0.trainingCost) }),
                    Self.curve("validation", summary.epochs.map { ($0.epoch, $0.validationCost) }),
                    Self.curve("test", summary.epochs.map { ($0.epoch, $0.cost) }),
                ]
            ).svg + learningRateChart
    }

    /// The learning rate, if it changed from epoch to epoch.
    private var learningRateChart: String {
        guard Set(summary.epochs.map(\.learningRate)).count > 1 else { return "" }
        return LineChart(
            title: "Learning rate", xLabel: "epoch",
            series: [Self.curve("learning rate", summary.epochs.map { ($0.epoch, $0.learningRate) })]
        ).svg
    }

    /// The accuracy on the test split in percent, a line for each run; with one run, also on the validation split and on
    /// the training samples that were evaluated.
    package static func accuracyChart(_ summaries: [RunSummary]) -> LineChart {
        var series = summaries.map { summary in
            Self.curve(
                summaries.count == 1 ? "test" : summary.name,
                summary.epochs.map { ($0.epoch, share($0.correct, of: $0.total)) })
        }
        if summaries.count == 1 {
            series.append(
                Self.curve(
                    "validation",
                    summaries[0].epochs.map { ($0.epoch, share($0.validationCorrect, of: $0.validationTotal)) }))
            series.append(
                Self.curve(
                    "training", summaries[0].epochs.map { ($0.epoch, share($0.trainingCorrect, of: $0.trainingTotal)) })
            )
        }
        return LineChart(title: "Accuracy, %", xLabel: "epoch", series: series)
    }

    private static func share(_ part: Int?, of whole: Int?) -> Double? {
        guard let part, let whole, whole > 0 else { return nil }
        return 100 * Double(part) / Double(whole)
    }

    /// A count that summaries of older versions do not have.
    private func count(_ number: Int?) -> String { number.map(String.init) ?? "-" }

    private func percent(_ part: Int, of whole: Int) -> Double {
        rounded(100 * Double(part) / Double(whole), digits: 2)
    }

    private func list(_ classes: [Int]) -> String {
        let names = summary.classNames ?? KnownDataset.classNames(of: summary.data, sha256: summary.dataSHA256) ?? []
        return classes.map { $0 < names.count ? names[$0] : "\($0)" }.joined(separator: ", ")
    }

    private static func curve(_ name: String, _ values: [(Int, Double?)]) -> LineChart.Series {
        LineChart.Series(name: name, points: values.map { (Double($0.0), $0.1 ?? .nan) })
    }
}

/// A value rounded to four significant digits: small learning rates stay visible.
private func significant(_ value: Double) -> Double {
    guard value.isFinite, value.magnitude > 1e-290 else { return value }
    var (scale, rest) = (1.0, value.magnitude)
    while rest < 1_000 { (scale, rest) = (scale * 10, rest * 10) }
    return (value * scale).rounded() / scale
}

/// A value rounded to so many digits after the point.
func rounded(_ value: Double, digits: Int = 4) -> Double {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    return (value * factor).rounded() / factor
}

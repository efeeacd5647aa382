import Foundation
import LockstepData
import LockstepText

/// `report.html`: a run on one page, in one file.
package struct RunReport: Sendable {
    /// Pixels of a chart in a page, where it is not scaled.
    static let chartWidth = 480.0
    /// Seconds after which a browser loads the page of a running run again.
    private static let reloadSeconds = 5

    let summary: RunSummary
    private let configuration: String
    private let speedup: SpeedupRecord?
    let details: ReportDetails?
    /// Nil: not known.
    private let stepsPerEpoch: Int?
    private let isRunning: Bool

    /// - Parameters:
    ///   - summary: The run's summary.
    ///   - configuration: The resolved configuration, as YAML.
    ///   - speedup: The result of a bench, if there is one.
    ///   - details: What the page shows besides; nil: the run is of an older version.
    ///   - stepsPerEpoch: Steps of an epoch; nil: not known.
    ///   - isRunning: Whether the run goes on, and the page is written again.
    package init(
        _ summary: RunSummary, configuration: String, speedup: SpeedupRecord? = nil, details: ReportDetails? = nil,
        stepsPerEpoch: Int? = nil, isRunning: Bool = false
    ) {
        self.summary = summary
        self.configuration = configuration
        self.speedup = speedup
        self.details = details
        self.stepsPerEpoch = stepsPerEpoch
        self.isRunning = isRunning
    }

    /// Writes the report of a run that has ended again, from the files in its directory.
    ///
    /// - Throws: ``ArtifactError`` or ``ConfigurationError`` if a file is missing or damaged.
    static func rewrite(in directory: RunDirectory) throws {
        let configuration = try ConfigurationFile.load(path: directory.configuration)
        let summary = try RunSummary.load(directory)
        let steps = summary.epochs.isEmpty ? nil : summary.steps / summary.epochs.count
        let report = RunReport(
            summary, configuration: ConfigurationFile.yaml(of: configuration),
            speedup: try SpeedupRecord.load(directory), details: ReportDetails.load(directory), stepsPerEpoch: steps)
        try AtomicFile.write(report.html, to: directory.report)
    }

    package var html: String { html(leading: [], reloadSeconds: isRunning ? Self.reloadSeconds : nil) }

    /// The page with further sections before its own.
    ///
    /// - Parameters:
    ///   - sections: The sections.
    ///   - reloadSeconds: After how many seconds a browser loads the page again; nil: it does not.
    /// - Returns: The page.
    package func html(leading sections: [ReportPage.Section], reloadSeconds: Int?) -> String {
        ReportPage(
            title: summary.name, subtitle: subtitle, reloadSeconds: reloadSeconds, sections: sections + self.sections
        ).html
    }

    /// The newest epoch that was evaluated.
    package var lastEvaluation: RunSummary.Epoch? {
        summary.epochs.last { $0.total != nil || $0.validationTotal != nil }
    }

    /// The page's sections, in their order.
    private var sections: [ReportPage.Section] {
        [
            ReportPage.Section("Result", tiles),
            ReportPage.Section("Learning curves", ReportPage.charts(charts)),
            ReportPage.Section("What it confuses", confusion),
            ReportPage.Section("Where it is most wrong", mistakes),
            ReportPage.Section("What the first layer's neurons look for", neurons),
            ReportPage.Section("Predictions", predictions),
            ReportPage.Section("Speed and workers", ReportPage.charts(speedCharts) + workers + phases),
            ReportPage.Section("Speedup", speedup.map { ReportPage.charts($0.charts) } ?? ""),
            ReportPage.Section("Facts", ReportPage.table(facts)),
            ReportPage.Section("Membership", isRunning ? "" : ReportPage.table(membership)),
            ReportPage.Section("Epochs", epochTable),
            ReportPage.Section("Configuration", "<pre>\(escapedHTML(configuration))</pre>"),
        ]
    }

    private var subtitle: String {
        let early = summary.stoppedEarly == true ? ", stopped early" : ""
        let state = isRunning ? "running" : summary.status.rawValue + early
        let verb = isRunning ? "updated" : "ended"
        let times = details.map { "started \(Self.text($0.started)), \(verb) \(Self.text($0.updated))" }
        return [state, times, details.map { "on \($0.host)" }, "lockstep \(summary.programVersion)"].compactMap(\.self)
            .joined(separator: " · ")
    }

    /// `2026-03-01 14:05 UTC`.
    private static func text(_ date: Date) -> String {
        let stamp = Array(RunDirectory.timestamp(date))
        guard stamp.count == 16 else { return "-" }
        return "\(String(stamp[0..<4]))-\(String(stamp[4..<6]))-\(String(stamp[6..<8])) "
            + "\(String(stamp[9..<11])):\(String(stamp[11..<13])) UTC"
    }
}

// MARK: - Figures

extension RunReport {
    private var tiles: String {
        let selected = summary.selectedEpoch.flatMap { number in summary.epochs.first { $0.epoch == number } }
        let last = summary.epochs.last { $0.total != nil }
        let shown = selected ?? last
        let place = shown.map { "epoch \($0.epoch)\(selected == nil ? "" : ", selected by validation")" } ?? ""
        let best = summary.bestEpoch.flatMap { number in summary.epochs.first { $0.epoch == number } }
        var tiles: [String] = []
        func add(_ value: String?, _ name: String) {
            guard let value else { return }
            tiles.append("<div class=\"tile\"><b>\(escapedHTML(value))</b><span>\(escapedHTML(name))</span></div>")
        }
        add(Self.percent(shown?.correct, shown?.total), "of the test samples right, \(place)")
        add(Self.percent(shown?.validationCorrect, shown?.validationTotal), "of the validation samples right")
        add(shown?.r2.map { "\(rounded($0))" }, "R² on the test samples, \(place)")
        add(shown?.validationR2.map { "\(rounded($0))" }, "R² on the validation samples")
        add(Self.percent(best?.correct, best?.total), "best on the test samples, epoch \(summary.bestEpoch ?? 0)")
        add("\(summary.epochs.count)", summary.epochs.count == 1 ? "epoch" : "epochs")
        add(summary.seconds.map(Self.duration), "of training")
        add(summary.samplesPerSecond.map { grouped(Int(max(0, min($0, 1e15)))) }, "samples a second")
        if hasWorkers { add("\(summary.workers)", summary.workers == 1 ? "worker" : "workers") }
        add(grouped(summary.parameters), "parameters")
        return "<div class=\"tiles\">\n\(tiles.joined(separator: "\n"))\n</div>"
    }

    /// Whether the run was not one of a single process.
    private var hasWorkers: Bool { details.map { !$0.workers.isEmpty } ?? false }

    private static func percent(_ part: Int?, _ whole: Int?) -> String? {
        guard let part, let whole, whole > 0 else { return nil }
        return String(format: "%.2f %%", 100 * Double(part) / Double(whole))
    }

    private static func duration(_ seconds: Double) -> String {
        if seconds < 120 { return String(format: "%.1f s", seconds) }
        let minutes = seconds / 60
        return minutes < 120 ? String(format: "%.1f min", minutes) : String(format: "%.1f h", minutes / 60)
    }

    private var facts: [[String]] {
        let total = summary.epochs.last(where: { $0.total != nil })?.total
        func count(_ correct: Int?, epoch: Int? = nil, file: String? = nil) -> String? {
            guard let correct, let total, total > 0 else { return nil }
            let place = [epoch.map { "epoch \($0)" }, file].compactMap { $0 }
            return (["\(correct) of \(total) (\(percent(correct, of: total)) %)"] + place).joined(separator: ", ")
        }
        let rows: [(String, String?)] = [
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

    private var epochTable: String {
        let rows = epochs
        let cells = rows.map { row -> [ReportPage.Cell] in
            row.indices.map { ReportPage.Cell(row[$0], isNumber: $0 > 0 && $0 < row.count - 1) }
        }
        let table = ReportPage.table(cells, hasHeader: true)
        guard rows.count > 40 else { return table }
        return "<details><summary>\(rows.count - 1) epochs</summary>\n\(table)\n</details>"
    }

    private var epochs: [[String]] {
        [["epoch", "test", "validation", "training", "mean training loss", "learning rate", "seconds", "weights"]]
            + summary.epochs.map(Self.cells(of:))
    }

    private static func cells(of epoch: RunSummary.Epoch) -> [String] {
        func score(_ correct: Int?, _ total: Int?, _ r2: Double?) -> String {
            if let correct { return "\(correct) / \(total ?? 0)" }
            return r2.map { "R² \(rounded($0))" } ?? "-"
        }
        let cost: String? = epoch.trainingCost.map { "\(rounded($0))" }
        let rate: String? = epoch.learningRate.map { "\(significant($0))" }
        let seconds: String? = epoch.seconds.map { "\(rounded($0))" }
        return [
            "\(epoch.epoch)", score(epoch.correct, epoch.total, epoch.r2),
            score(epoch.validationCorrect, epoch.validationTotal, epoch.validationR2),
            score(epoch.trainingCorrect, epoch.trainingTotal, nil), cost ?? "-", rate ?? "-", seconds ?? "-",
            String(epoch.weightsSHA256.prefix(8)),
        ]
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
}

// MARK: - Charts

extension RunReport {
    private var charts: [LineChart] {
        [
            Self.chart(
                "Accuracy, %", summary.epochs,
                [
                    ("test", { Self.share($0.correct, of: $0.total) }),
                    ("validation", { Self.share($0.validationCorrect, of: $0.validationTotal) }),
                    ("training", { Self.share($0.trainingCorrect, of: $0.trainingTotal) }),
                ]),
            Self.chart("R²", summary.epochs, [("test", { $0.r2 }), ("validation", { $0.validationR2 })]),
            Self.chart(
                "Mean loss", summary.epochs,
                [
                    ("training", { $0.trainingCost }), ("validation", { $0.validationCost }), ("test", { $0.cost }),
                ]),
            learningRateChart,
        ]
    }

    private static func chart(
        _ title: String, _ epochs: [RunSummary.Epoch], _ values: [(String, (RunSummary.Epoch) -> Double?)]
    ) -> LineChart {
        LineChart(
            title: title, xLabel: "epoch", width: chartWidth,
            series: values.map { name, value in
                LineChart.Series(name: name, points: epochs.map { (Double($0.epoch), value($0) ?? .nan) })
            })
    }

    /// The learning rate over the steps where it is known, else of each epoch's last step.
    private var learningRateChart: LineChart {
        let points = progress { $0.learningRate ?? .nan }
        return LineChart(
            title: "Learning rate", xLabel: "epoch", width: Self.chartWidth,
            series: [
                LineChart.Series(
                    name: "learning rate",
                    points: points.contains { $0.y.isFinite }
                        ? points : summary.epochs.map { (Double($0.epoch), $0.learningRate ?? .nan) })
            ])
    }

    private var speedCharts: [LineChart] {
        let workers = progress(\.workers)
        return [
            LineChart(
                title: "Samples a second", xLabel: "epoch", width: Self.chartWidth,
                series: [LineChart.Series(name: "training", points: progress(\.samplesPerSecond))]),
            LineChart(
                title: "Workers that compute", xLabel: "epoch", width: Self.chartWidth,
                series: [LineChart.Series(name: "workers", points: hasWorkers ? workers : [])]),
        ]
    }

    /// The points of the progress at their place between the epochs.
    private func progress(_ value: (ProgressSeries.Point) -> Double) -> [(x: Double, y: Double)] {
        guard let details, let stepsPerEpoch, stepsPerEpoch > 0 else { return [] }
        return details.progress.points.map { (Double($0.step) / Double(stepsPerEpoch), value($0)) }
    }

    private static func share(_ part: Int?, of whole: Int?) -> Double? {
        guard let part, let whole, whole > 0 else { return nil }
        return 100 * Double(part) / Double(whole)
    }
}

/// A value rounded to four significant digits: small learning rates stay visible.
private func significant(_ value: Double) -> Double {
    guard value.isFinite, value.magnitude > 1e-290 else { return value }
    var (scale, rest) = (1.0, value.magnitude)
    while rest < 1_000 { (scale, rest) = (scale * 10, rest * 10) }
    return (value * scale).rounded() / scale
}

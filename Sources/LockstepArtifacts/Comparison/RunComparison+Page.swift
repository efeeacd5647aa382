import LockstepText

extension RunComparison {
    /// The sections of a page that compares the runs.
    package var sections: [ReportPage.Section] {
        [
            ReportPage.Section("Over seeds", seedSection),
            ReportPage.Section("Runs", runSection),
            ReportPage.Section("Learning curves", ReportPage.charts(charts)),
            ReportPage.Section(best == nil ? "" : "The best run's configuration", bestConfiguration),
        ]
    }

    private var seedSection: String {
        let rows = seedTable
        guard !rows.isEmpty else { return "" }
        return ReportPage.table(Self.cells(rows), hasHeader: true, marked: bestGroup.map { $0 + 1 })
            + "\n<p class=\"note\">\(escapedHTML(Self.seedNote))</p>"
    }

    private var runSection: String {
        guard !runs.isEmpty else { return "" }
        let note = Self.tableNote + (best == nil ? "" : " The best run on the validation samples is marked.")
        return ReportPage.table(Self.cells(table), hasHeader: true, marked: best.map { $0 + 1 })
            + "\n<p class=\"note\">\(escapedHTML(note))</p>"
    }

    /// Numbers stand at the right of their cells.
    private static func cells(_ rows: [[String]]) -> [[ReportPage.Cell]] {
        let headings = rows.first ?? []
        let isText = headings.indices.map { column in
            ["run", "weights"].contains(headings[column])
                || !rows.dropFirst().allSatisfy { $0[column].utf8.first.map(Self.beginsNumber) ?? false }
        }
        return rows.map { row in row.indices.map { ReportPage.Cell(row[$0], isNumber: !isText[$0]) } }
    }

    private static func beginsNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
    }

    private var bestConfiguration: String {
        guard let best, let configuration = try? ConfigurationFile.load(path: runs[best].directory.configuration) else {
            return ""
        }
        return "<p>\(escapedHTML(runs[best].directory.path))</p>\n"
            + "<pre>\(escapedHTML(ConfigurationFile.yaml(of: configuration)))</pre>"
    }

    /// What the runs came to, epoch by epoch, a line for each run.
    package var charts: [LineChart] {
        [
            chart("Accuracy on the validation samples, %") { Self.share($0.validationCorrect, of: $0.validationTotal) },
            chart("Accuracy on the test samples, %") { Self.share($0.correct, of: $0.total) },
            chart("R² on the validation samples") { $0.validationR2 },
            chart("Mean loss of the training samples") { $0.trainingCost },
            chart("Mean loss of the validation samples") { $0.validationCost },
        ]
    }

    private func chart(_ title: String, _ value: (RunSummary.Epoch) -> Double?) -> LineChart {
        LineChart(
            title: title, xLabel: "epoch", width: RunReport.chartWidth,
            series: zip(runs, labels).map { run, label in
                LineChart.Series(
                    name: label, points: run.summary.epochs.map { (Double($0.epoch), value($0) ?? .nan) })
            })
    }

    private static func share(_ part: Int?, of whole: Int?) -> Double? {
        guard let part, let whole, whole > 0 else { return nil }
        return 100 * Double(part) / Double(whole)
    }
}

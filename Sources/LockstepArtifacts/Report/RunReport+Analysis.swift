import LockstepData
import LockstepText
import LockstepTraining

// What the network gets wrong, what it looks for, and where the time went.
extension RunReport {
    /// Classes whose confusion fits on a page.
    private static let shownClasses = 20

    private var analysisNote: String {
        guard let details, let analysis = details.analysis else { return "" }
        let epoch = details.analysedEpoch.map { ", epoch \($0)" } ?? ""
        return "\(grouped(analysis.count)) \(analysis.split.rawValue) samples\(epoch)"
    }

    private func name(_ answer: Int) -> String {
        guard let names = details?.answerNames, answer < names.count else { return "\(answer)" }
        return names[answer]
    }

    /// Rows are the right answers, columns the given ones. Answers that no sample has and that are never given are left out.
    var confusion: String {
        guard let matrix = details?.analysis?.confusion, !matrix.isEmpty else { return "" }
        let shown = matrix.indices.filter { answer in
            matrix[answer].contains { $0 > 0 } || matrix.contains { $0[answer] > 0 }
        }
        guard shown.count <= Self.shownClasses else { return worstPairs(matrix) }
        let totals = shown.map { row in max(1, matrix[row].reduce(0, +)) }
        let head = shown.map { "<th class=\"n\">\(escapedHTML(name($0)))</th>" }.joined()
        let rows = zip(shown, totals).map { row, total in
            let cells = shown.map { column in
                let count = matrix[row][column]
                if row == column { return "<td class=\"right\">\(count)</td>" }
                // A tenth of a class is the full colour.
                let part = min(1, 10 * Double(count) / Double(total))
                return count == 0
                    ? "<td style=\"--p:0\"></td>" : "<td style=\"--p:\(rounded(part, digits: 2))\">\(count)</td>"
            }
            let recall = rounded(100 * Double(matrix[row][row]) / Double(total), digits: 1)
            return "<tr><th>\(escapedHTML(name(row)))</th>\(cells.joined())<td class=\"recall\">\(recall) %</td></tr>"
        }
        return """
            <p class="note">A row for each right answer, a column for each answer that was given; at the right the part of \
            a row that is right. \(escapedHTML(analysisNote)).</p>
            <div class="scroll"><table class="confusion"><thead><tr><th></th>\(head)<th></th></tr></thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>
            """
    }

    /// For many classes, the pairs that are confused most.
    private func worstPairs(_ matrix: [[Int]]) -> String {
        var pairs: [(label: Int, answer: Int, count: Int)] = []
        for label in matrix.indices {
            for answer in matrix[label].indices where answer != label && matrix[label][answer] > 0 {
                pairs.append((label, answer, matrix[label][answer]))
            }
        }
        pairs.sort { ($1.count, $0.label, $0.answer) < ($0.count, $1.label, $1.answer) }
        let rows = pairs.prefix(Self.shownClasses).map { pair -> [ReportPage.Cell] in
            [.init(name(pair.label)), .init(name(pair.answer)), .init("\(pair.count)", isNumber: true)]
        }
        return "<p class=\"note\">The pairs that are confused most. \(escapedHTML(analysisNote)).</p>\n"
            + ReportPage.table([["right", "answered", .init("samples", isNumber: true)]] + rows, hasHeader: true)
    }

    /// The worst mistakes, as pictures where samples are pictures.
    var mistakes: String {
        guard let details, let analysis = details.analysis, !analysis.mistakes.isEmpty else { return "" }
        let note =
            "<p class=\"note\">The wrong answers that the network is most certain of, and its outputs for the answer and "
            + "for what is right. \(escapedHTML(analysisNote)).</p>\n"
        func outputs(_ mistake: SplitAnalysis.Mistake) -> (String, String) {
            ("\(rounded(mistake.output, digits: 3))", mistake.labelOutput.map { "\(rounded($0, digits: 3))" } ?? "")
        }
        guard details.mistakePictures.count == analysis.mistakes.count else {
            let rows = analysis.mistakes.map { mistake -> [ReportPage.Cell] in
                let (answer, label) = outputs(mistake)
                return [
                    .init("\(mistake.sample)", isNumber: true), .init(name(mistake.label)), .init(name(mistake.answer)),
                    .init(answer, isNumber: true), .init(label, isNumber: true),
                ]
            }
            let head: [ReportPage.Cell] = ["sample", "right", "answered", "output", "output for right"]
            return note + ReportPage.table([head] + rows, hasHeader: true)
        }
        let figures = zip(analysis.mistakes, details.mistakePictures).map { mistake, picture in
            let (answer, label) = outputs(mistake)
            let right = escapedHTML(name(mistake.label))
            let given = escapedHTML(name(mistake.answer))
            return "<figure><img src=\"\(escapedHTML(picture))\" alt=\"sample \(mistake.sample)\">"
                + "<figcaption><i>\(given)</i> \(answer)<br>right: \(right) \(label)</figcaption></figure>"
        }
        return note + gallery(figures, ratio: details.pictureRatio)
    }

    var neurons: String {
        guard let neurons = details?.neurons, !neurons.pictures.isEmpty else { return "" }
        let figures = neurons.pictures.enumerated().map { index, picture in
            "<figure><img src=\"\(escapedHTML(picture))\" alt=\"neuron \(index)\"><figcaption>\(index)</figcaption></figure>"
        }
        let shown = neurons.pictures.count
        let part = shown < neurons.count ? "the first \(shown) of \(grouped(neurons.count))" : "all \(shown)"
        return
            "<p class=\"note\">The weights of \(part): orange pixels excite a neuron, blue ones inhibit it, each scaled "
            + "to its own largest weight.</p>\n" + gallery(figures, ratio: neurons.ratio, kind: " neurons")
    }

    private func gallery(_ figures: [String], ratio: Double, kind: String = "") -> String {
        "<div class=\"gallery\(kind)\" style=\"--ratio:\(rounded(ratio))\">\n\(figures.joined(separator: "\n"))\n</div>"
    }

    /// Predicted numbers over right ones.
    var predictions: String {
        guard let points = details?.analysis?.predictions, points.count > 1 else { return "" }
        let targets = points.map(\.target)
        let (low, high) = (targets.min() ?? 0, targets.max() ?? 1)
        let chart = LineChart(
            title: "Predicted over right", xLabel: "right", width: Self.chartWidth,
            series: [
                LineChart.Series(name: "samples", points: points.map { ($0.target, $0.output) }, isCloud: true),
                LineChart.Series(name: "perfect", points: [(low, low), (high, high)]),
            ])
        return "<p class=\"note\">\(escapedHTML(analysisNote)).</p>\n" + ReportPage.charts([chart])
    }
}

// MARK: - Time

extension RunReport {
    /// The workers, and the time that each takes for a tree node.
    var workers: String {
        guard let workers = details?.workers, !workers.isEmpty else { return "" }
        return Self.table(of: workers)
    }

    /// A table of workers, with its heading.
    package static func table(of workers: [ReportDetails.Worker]) -> String {
        let rows = workers.map { worker -> [ReportPage.Cell] in
            [
                .init(worker.name), .init(worker.host), .init("\(worker.processID)", isNumber: true),
                .init(worker.state),
                .init(worker.millisecondsPerNode.map { "\(rounded($0, digits: 3))" } ?? "-", isNumber: true),
            ]
        }
        let head: [ReportPage.Cell] = [
            "worker", "host", .init("pid", isNumber: true), "state", .init("ms a node", isNumber: true),
        ]
        return "<h3>Workers</h3>\n" + ReportPage.table([head] + rows, hasHeader: true)
    }

    private static let phaseColors = [
        ("gather", "#56b4e9"), ("forward", "#0072b2"), ("backward", "#009e73"), ("reduce", "#e69f00"),
        ("update", "#d55e00"), ("send", "#cc79a7"), ("receive", "#8a5fa8"), ("broadcast", "#b58a3c"),
        ("wait", "#9aa4ae"), ("other", "#6b7480"),
    ]

    /// Where the time of each process went, a bar for each.
    var phases: String {
        guard let processes = details?.processes, !processes.isEmpty else { return "" }
        let keys = Self.phaseColors.filter { phase in processes.contains { ($0.seconds[phase.0] ?? 0) > 0 } }
        let legend = keys.map { "<span style=\"--c:\($0.1)\">\($0.0)</span>" }.joined()
        let rows = processes.map { process in
            let total = max(process.seconds.values.reduce(0, +), 1e-9)
            let parts = keys.compactMap { phase, color -> String? in
                let part = 100 * (process.seconds[phase] ?? 0) / total
                guard part >= 0.05 else { return nil }
                let width = rounded(part, digits: 2)
                return "<span style=\"width:\(width)%;background:\(color)\" "
                    + "title=\"\(phase) \(rounded(part, digits: 1)) %\"></span>"
            }
            return "<tr><td>\(escapedHTML(process.name))</td><td><div class=\"bar\">\(parts.joined())</div></td>"
                + "<td class=\"n\">\(rounded(total, digits: 1)) s</td></tr>"
        }
        return "<h3>Time in each phase</h3>\n<div class=\"keys\">\(legend)</div>\n"
            + "<table class=\"bars\">\(rows.joined(separator: "\n"))</table>"
    }
}

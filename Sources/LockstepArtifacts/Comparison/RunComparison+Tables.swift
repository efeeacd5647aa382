import Foundation
import LockstepText

extension RunComparison {
    /// Whether the runs predict classes; else numbers.
    private var countsCorrect: Bool { runs.contains { $0.summary.bestCorrect != nil } }

    /// A row of headings, and a row for each run: what differs, and the results.
    package var table: [[String]] {
        let hasSameNames = labels == runs.map(\.summary.name)
        let score = countsCorrect ? "" : " R²"
        let results = ["validation\(score)", "test\(score)", "epoch", "epochs", "cost", "seconds", "weights"]
        let headings = ["run"] + Self.shortNames(of: keys) + results
        let rows = runs.map { run in
            [hasSameNames ? run.summary.name : run.name] + keys.map { run.values?[$0] ?? "-" } + Self.results(of: run)
        }
        return [headings] + rows
    }

    private static func results(of run: Run) -> [String] {
        let (epoch, summary) = (run.selected, run.summary)
        let interruption = summary.status == .interrupted ? " (interrupted)" : ""
        let cost = epoch?.validationCost ?? epoch?.cost
        return [
            score(epoch?.validationCorrect, epoch?.validationTotal, epoch?.validationR2),
            score(epoch?.correct, epoch?.total, epoch?.r2),
            epoch.map { "\($0.epoch)" } ?? "-",
            "\(summary.epochs.count)\(interruption)",
            cost.map { String(format: "%.4g", $0) } ?? "-",
            summary.seconds.map { String(format: "%.1f", $0) } ?? "-",
            String(summary.weightsSHA256.prefix(8)),
        ]
    }

    /// What the columns of ``table`` mean.
    package static let tableNote =
        "Validation, test and cost are those of the epoch that the validation samples select, counted from 0; of the "
        + "last one where there are none."

    /// A row of headings, and a row for each setting with its mean over the seeds and the standard deviation; empty unless
    /// some runs differ in the seed alone.
    package var seedTable: [[String]] {
        let groups = groups
        guard groups.contains(where: { $0.count > 1 }), keys.contains(Self.seed) else { return [] }
        let settings = keys.filter { $0 != Self.seed }
        let unit = countsCorrect ? ", %" : " R²"
        let headings = Self.shortNames(of: settings) + ["runs", "validation\(unit)", "test\(unit)", "best test\(unit)"]
        let rows = groups.map { group in
            let tests = group.map { Self.value(runs[$0].selected, isTest: true) }
            let validations = group.map { Self.value(runs[$0].selected, isTest: false) }
            let results = [
                "\(group.count)", Self.spread(validations, countsCorrect), Self.spread(tests, countsCorrect),
                Self.best(tests, countsCorrect),
            ]
            return settings.map { runs[group[0]].values?[$0] ?? "-" } + results
        }
        return [headings] + rows
    }

    /// The groups of ``groups`` in the order of ``seedTable``: which of them has the best mean on the validation samples.
    package var bestGroup: Int? {
        let means = groups.enumerated().compactMap { index, group -> (Int, Double)? in
            let values = group.compactMap { runs[$0].merit }
            return values.count == group.count ? (index, values.reduce(0, +) / Double(values.count)) : nil
        }
        return means.max { ($0.1, -$0.0) < ($1.1, -$1.0) }?.0
    }

    /// What the columns of ``seedTable`` mean.
    package static let seedNote =
        "The mean over the runs with other seeds, ± the standard deviation (with n - 1), each run at the epoch that its "
        + "validation samples select; then the highest of them on the test samples."

    private static func score(_ correct: Int?, _ total: Int?, _ r2: Double?) -> String {
        if let correct, let total, total > 0 { return percentText(100 * Double(correct) / Double(total)) + " %" }
        return r2.map { String(format: "%.4f", $0) } ?? "-"
    }

    /// The accuracy in percent, or R².
    private static func value(_ epoch: RunSummary.Epoch?, isTest: Bool) -> Double? {
        let (correct, total) =
            isTest ? (epoch?.correct, epoch?.total) : (epoch?.validationCorrect, epoch?.validationTotal)
        if let correct, let total, total > 0 { return 100 * Double(correct) / Double(total) }
        return isTest ? epoch?.r2 : epoch?.validationR2
    }

    private static func spread(_ values: [Double?], _ isPercent: Bool) -> String {
        let known = values.compactMap(\.self)
        guard !known.isEmpty, known.count == values.count else { return "-" }
        let (mean, deviation) = meanAndDeviation(known)
        return text(mean, isPercent) + (deviation.map { " ± " + text($0, isPercent) } ?? "")
    }

    private static func best(_ values: [Double?], _ isPercent: Bool) -> String {
        values.compactMap(\.self).max().map { text($0, isPercent) } ?? "-"
    }

    private static func text(_ value: Double, _ isPercent: Bool) -> String {
        isPercent ? percentText(value) : String(format: "%.4f", value)
    }

    private static func percentText(_ value: Double) -> String { String(format: "%.2f", value) }
}

/// The mean, and the standard deviation of a sample; nil for fewer than two values.
func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double?) {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    guard values.count > 1 else { return (mean, nil) }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / (count - 1)).squareRoot())
}

import Foundation
import LockstepText

// Numbers as people read them, in every locale alike: 5,000   91.40 %   0.108 ms   95 KB   2 workers.

/// A number with so many digits after the point.
func decimal(_ number: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", number)
}

/// A number with four significant digits: `0.0125`, `3e-07`.
func significant(_ number: Double) -> String {
    String(format: "%.4g", number)
}

/// A count and its noun: `1 worker`, `2 workers`, `1,000 steps`.
func counted(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
}

/// A part of a whole in percent: `91.40 %`. Of nothing it is 0.
func percentage(_ part: Double, of whole: Double, digits: Int) -> String {
    "\(decimal(whole == 0 ? 0 : 100 * part / whole, digits)) %"
}

/// A ratio: `1.65 x`.
func times(_ ratio: Double, digits: Int = 2) -> String {
    "\(decimal(ratio, digits)) x"
}

/// A duration in milliseconds, to three significant digits or to the microsecond: `0.108 ms`, `15.2 ms`.
func milliseconds(_ seconds: Double) -> String {
    let value = seconds * 1_000
    return "\(decimal(value, value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)) ms"
}

/// A duration in microseconds, without the unit.
func microseconds(_ seconds: Double) -> String {
    decimal(seconds * 1e6, 1)
}

/// A duration for a sentence, in the unit that suits it: `15.2 ms`, `38 s`, `12 min`, `3.5 h`.
func duration(_ seconds: Double) -> String {
    if seconds < 1 { return milliseconds(seconds) }
    if seconds < 120 { return "\(decimal(seconds, seconds < 10 ? 1 : 0)) s" }
    let minutes = seconds / 60
    return minutes < 120 ? "\(decimal(minutes, minutes < 10 ? 1 : 0)) min" : "\(decimal(minutes / 60, 1)) h"
}

/// An amount of data for a sentence: `95 KB`, `7.2 MB`.
func dataSize(_ bytes: Int) -> String {
    bytes < 1_000_000 ? "\((bytes + 500) / 1_000) KB" : "\(decimal(Double(bytes) / 1e6, 1)) MB"
}

/// A count to two significant digits, for `about 160 samples`.
func roundedToTwoDigits(_ count: Int) -> Int {
    var scale = 1
    while count / scale >= 100 { scale *= 10 }
    return (count + scale / 2) / scale * scale
}

/// Rows as lines of text: the first column aligned to the left, the others to the right.
func alignedColumns(_ rows: [[String]]) -> [String] {
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

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}

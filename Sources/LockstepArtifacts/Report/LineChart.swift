import Foundation
import LockstepText

/// A line chart as SVG: axes with round numbers, a grid, and a legend above them, where no curve is.
package struct LineChart {
    /// A line and its name.
    package struct Series {
        /// Values beyond this have no place on an axis.
        private static let largest = 1e290
        package let name: String
        /// In ascending order of x; values that are not finite leave a gap.
        package let points: [(x: Double, y: Double)]
        /// Whether each point has a dot.
        package let hasMarkers: Bool
        /// Whether the points are dots without a line.
        let isCloud: Bool

        package init(
            name: String, points: [(x: Double, y: Double)], hasMarkers: Bool = false, isCloud: Bool = false
        ) {
            self.name = name
            self.points = points.map { ($0.x, $0.y.magnitude < Self.largest ? $0.y : .nan) }
            self.hasMarkers = hasMarkers
            self.isCloud = isCloud
        }
    }

    private let title: String
    private let xLabel: String
    private let series: [Series]
    private let width: Double
    /// The axes are equally high however many rows the legend has.
    private var height: Double { margin.top + 222 + margin.bottom }
    private let margin: (left: Double, right: Double, top: Double, bottom: Double)
    /// Where each series stands in the legend.
    private let legend: [(x: Double, row: Int)]
    /// How a line is drawn. A page's style sheet has other colours for the classes on a dark ground.
    private struct Style {
        /// Colours that people with colour blindness can tell apart (Okabe and Ito, "Color universal design", 2008).
        private static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
        /// Lines beyond the colours are dashed.
        private static let dashes = ["", "7 3", "2 3", "9 3 2 3"]

        let number: Int
        let color: String
        /// The class, and the dashes if it has some.
        let attributes: String

        init(index: Int) {
            number = index % Self.colors.count
            color = Self.colors[number]
            let dash = Self.dashes[index / Self.colors.count % Self.dashes.count]
            attributes = "class=\"c\(number)\"" + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
        }
    }

    /// - Parameters:
    ///   - title: The text above the chart.
    ///   - xLabel: The text below the horizontal axis.
    ///   - width: Pixels, where the chart is not scaled.
    ///   - series: The lines; those without a finite value are left out.
    package init(title: String, xLabel: String, width: Double = 640, series: [Series]) {
        self.title = title
        self.xLabel = xLabel
        self.width = width
        let series = series.filter { $0.points.contains { $0.y.isFinite } }
        self.series = series
        let (left, right) = (64.0, 16.0)
        legend = Self.legend(of: series.map(\.name), from: left, to: width - right)
        margin = (left, right, 34 + Self.rowHeight * Double((legend.last?.row ?? -1) + 1), 44)
    }

    private static let rowHeight = 16.0
    /// Pixels of a character at most, in the mean of a name.
    private static let characterWidth = 6.6

    /// Places names one after the other, and in a new row where one does not fit.
    private static func legend(of names: [String], from left: Double, to right: Double) -> [(x: Double, row: Int)] {
        var (x, row) = (left, 0)
        return names.map { name in
            let width = 21 + characterWidth * Double(name.count)
            if x > left, x + width > right { (x, row) = (left, row + 1) }
            defer { x += width + 16 }
            return (x, row)
        }
    }

    /// Writes charts into an SVG file, one below the other.
    ///
    /// - Throws: ``ArtifactError`` if it cannot be written.
    package static func write(_ charts: [LineChart], to path: String) throws(ArtifactError) {
        try AtomicFile.write(document(charts), to: path)
    }

    /// An SVG file with charts, one below the other.
    static func document(_ charts: [LineChart]) -> String {
        let drawn = charts.filter { !$0.series.isEmpty }
        var total = 0
        var parts: [String] = []
        for chart in drawn {
            let (width, height) = (Int(chart.width), Int(chart.height))
            parts.append("<svg y=\"\(total)\" width=\"\(width)\" height=\"\(height)\">\n\(chart.svg)\n</svg>")
            total += height
        }
        let body = parts.joined(separator: "\n")
        total = max(total, 300)
        let width = drawn.map(\.width).max() ?? 640
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Int(width))" height="\(total)" viewBox="0 0 \(Int(width)) \(total)">
            <rect width="100%" height="100%" fill="white"/>
            \(body)
            </svg>

            """
    }

    /// The chart, for a page of HTML; empty if there is nothing to draw.
    package var svg: String {
        let points = series.flatMap(\.points).filter { $0.y.isFinite }
        guard let first = points.first else { return "" }
        let xs = Axis(points.reduce(first.x...first.x) { Self.extend($0, to: $1.x) })
        let ys = Axis(points.reduce(first.y...first.y) { Self.extend($0, to: $1.y) })
        func place(_ x: Double, _ y: Double) -> (Double, Double) {
            (
                margin.left + xs.fraction(x) * (width - margin.left - margin.right),
                height - margin.bottom - ys.fraction(y) * (height - margin.top - margin.bottom)
            )
        }
        var lines = [
            "<svg class=\"chart\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(escapedHTML(title))\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            text(title, x: margin.left, y: 18, extra: "font-size=\"14\" font-weight=\"bold\""),
            text(
                xLabel, x: width - margin.right, y: height - 6,
                extra: "text-anchor=\"end\" fill=\"#555\" class=\"muted\""),
        ]
        for tick in ys.ticks {
            let (_, y) = place(xs.range.lowerBound, tick)
            lines.append(line(margin.left, y, width - margin.right, y, "#ddd"))
            lines.append(text(label(tick), x: margin.left - 6, y: y + 4, extra: "text-anchor=\"end\""))
        }
        for tick in xs.ticks {
            let (x, _) = place(tick, ys.range.lowerBound)
            lines.append(text(label(tick), x: x, y: height - margin.bottom + 16, extra: "text-anchor=\"middle\""))
        }
        for (index, series) in series.enumerated() {
            let style = Style(index: index)
            lines += curve(series, style, place)
            let x = legend[index].x
            let y = 34 + Self.rowHeight * Double(legend[index].row)
            lines.append(line(x, y - 4, x + 16, y - 4, style.color, width: 2.5, extra: style.attributes))
            lines.append(text(series.name, x: x + 21, y: y, extra: ""))
        }
        return (lines + ["</svg>"]).joined(separator: "\n")
    }

    /// The line, interrupted where values are missing. A single point is a dot, and so is each point of a series with
    /// markers.
    private func curve(
        _ series: Series, _ style: Style, _ place: (Double, Double) -> (Double, Double)
    ) -> [String] {
        series.points.split { !$0.y.isFinite }.map { run in
            let places = run.map { place($0.x, $0.y) }
            let dots = places.map {
                "<circle cx=\"\(number($0.0))\" cy=\"\(number($0.1))\" r=\"2.5\" "
                    + "fill=\"\(style.color)\" class=\"f\(style.number)\"/>"
            }.joined()
            if places.count == 1 || series.isCloud { return dots }
            let text = places.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
            let line =
                "<polyline points=\"\(text)\" fill=\"none\" stroke=\"\(style.color)\" stroke-width=\"1.8\" "
                + "\(style.attributes)/>"
            return series.hasMarkers ? line + dots : line
        }
    }

    private func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, width: Double = 1,
        extra: String = "class=\"grid\""
    ) -> String {
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
            + "stroke=\"\(color)\" stroke-width=\"\(width)\" \(extra)/>"
    }

    private func text(_ content: String, x: Double, y: Double, extra: String) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" \(extra)>\(escapedHTML(content))</text>"
    }

    /// A coordinate with one digit after the point.
    private func number(_ value: Double) -> String {
        "\(rounded(value, digits: 1))"
    }

    /// A number on an axis, without a needless `.0`.
    private func label(_ value: Double) -> String {
        if value != 0, value.magnitude < 0.001 || value.magnitude >= 1e6 { return String(format: "%.3g", value) }
        let short = rounded(value, digits: 6)
        return short == short.rounded() ? "\(Int(short))" : "\(short)"
    }
}

/// A range of values that starts and ends with round numbers, and the round numbers in it.
private struct Axis {
    let range: ClosedRange<Double>
    let ticks: [Double]

    init(_ values: ClosedRange<Double>) {
        // A constant lies in the middle.
        let margin = values.lowerBound < values.upperBound ? 0 : max(abs(values.upperBound), 1e-9) / 2
        let values = values.lowerBound - margin...values.upperBound + margin
        let length = values.upperBound - values.lowerBound
        // 1, 2 or 5 times a power of ten, so that there are four to ten of them.
        var step = 1e-12
        var factors = [2.0, 2.5, 2.0]
        while length / step > 8, step < 1e300 {
            step *= factors[0]
            factors.append(factors.removeFirst())
        }
        let low = (values.lowerBound / step).rounded(.down)
        let high = max((values.upperBound / step).rounded(.up), low + 1)
        range = low * step...high * step
        ticks = stride(from: low, through: high, by: 1).map { $0 * step }
    }

    /// The position of a value: 0 at the start, 1 at the end.
    func fraction(_ value: Double) -> Double {
        (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }
}

extension LineChart {
    /// The smallest range that contains a range and a value.
    private static func extend(_ range: ClosedRange<Double>, to value: Double) -> ClosedRange<Double> {
        min(range.lowerBound, value)...max(range.upperBound, value)
    }
}

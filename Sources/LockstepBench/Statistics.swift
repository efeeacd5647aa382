/// The median and quartiles of repeated measurements.
package struct Statistics: Hashable, Sendable, Encodable {
    package let median: Double
    /// The lower and upper quartile, linearly interpolated between neighbours.
    package let lowerQuartile: Double
    package let upperQuartile: Double
    package let count: Int

    enum CodingKeys: String, CodingKey {
        case median, count
        case lowerQuartile = "lower_quartile"
        case upperQuartile = "upper_quartile"
    }

    /// - Parameter values: At least one measurement, in any order.
    package init(_ values: [Double]) {
        precondition(!values.isEmpty)
        let sorted = values.sorted()
        func quantile(_ part: Double) -> Double {
            let position = part * Double(sorted.count - 1)
            let lower = Int(position)
            let upper = min(lower + 1, sorted.count - 1)
            return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
        }
        median = quantile(0.5)
        lowerQuartile = quantile(0.25)
        upperQuartile = quantile(0.75)
        count = sorted.count
    }

    /// Half the distance between the quartiles, as a fraction of the median.
    package var spread: Double { median > 0 ? (upperQuartile - lowerQuartile) / 2 / median : 0 }

    /// The slope of the straight line nearest to the points, by least squares; 0 if all points have one x.
    static func slope(of points: [(x: Double, y: Double)]) -> Double {
        let count = Double(points.count)
        let (x, y) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
        let spread = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
        return spread > 0 ? points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / spread : 0
    }
}

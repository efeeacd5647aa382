import Glibc

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

    /// An interval that contains the median of what was measured with a probability of at least 95 %, whatever its
    /// distribution is: from the k-th smallest to the k-th largest of n values, where k is the largest number such that
    /// fewer than k of n fair coins show heads in at most 2.5 % of all cases. With fewer than six values there is no such
    /// k, and the interval is their whole range.
    ///
    /// - Parameter values: At least one measurement, in any order.
    /// - Returns: The interval, which contains the median of the values.
    package static func medianInterval(_ values: [Double]) -> ClosedRange<Double> {
        precondition(!values.isEmpty)
        let sorted = values.sorted()
        let count = sorted.count
        var (rank, term, sum) = (0, pow(0.5, Double(count)), 0.0)
        while sum + term <= 0.025, rank < (count - 1) / 2 {
            sum += term
            term *= Double(count - rank) / Double(rank + 1)
            rank += 1
        }
        let first = max(0, rank - 1)
        return sorted[first]...sorted[count - 1 - first]
    }

    /// The slope of the straight line nearest to the points, by least squares; 0 if all points have one x.
    static func slope(of points: [(x: Double, y: Double)]) -> Double {
        let count = Double(points.count)
        let (x, y) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
        let spread = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
        return spread > 0 ? points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / spread : 0
    }
}

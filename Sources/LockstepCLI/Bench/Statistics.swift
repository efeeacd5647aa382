/// What repeated measurements of one thing say.
struct Statistics: Hashable, Encodable {
    let median: Double
    /// The lower and upper quartile, linearly interpolated between neighbours.
    let lowerQuartile: Double
    let upperQuartile: Double
    let count: Int

    enum CodingKeys: String, CodingKey {
        case median, count
        case lowerQuartile = "lower_quartile"
        case upperQuartile = "upper_quartile"
    }

    /// Of at least one measurement.
    init(_ values: [Double]) {
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

    /// Half the distance between the quartiles, as a part of the median.
    var spread: Double { median > 0 ? (upperQuartile - lowerQuartile) / 2 / median : 0 }
}

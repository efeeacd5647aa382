package import LockstepCostModel

/// A network link to predict for, such as `1gbit,0.2ms`.
package struct BenchLink: Hashable, Sendable {
    package let link: CostModel.Link
    /// As it was written.
    package let text: String

    /// Units of bandwidth in bits a second, the longest names first.
    private static let rates = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3)]
    /// Units of latency in seconds, the longest names first.
    private static let times = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)]

    /// Reads `BANDWIDTH[,LATENCY]`, such as `1gbit`, `100mbit,2ms` or `10gbit,50us`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: ",", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let bits = Self.value(parts[0], Self.rates), bits > 0 else { return nil }
        guard let latency = parts.count == 2 ? Self.value(parts[1], Self.times) : 0, latency >= 0 else { return nil }
        link = CostModel.Link(bytesPerSecond: bits / 8, latency: latency)
        self.text = text
    }

    private static func value(_ text: Substring, _ units: [(name: String, factor: Double)]) -> Double? {
        guard let unit = units.first(where: { text.hasSuffix($0.name) }),
            let number = Double(text.dropLast(unit.name.count)), number.isFinite
        else { return nil }
        return number * unit.factor
    }
}

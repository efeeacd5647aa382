import ZeroMQ

/// Connections that a coordinator did not let in: counted by their reason, and told about so rarely that a flood of them
/// is no flood of lines.
struct RejectionLog {
    private var counts: [String: Int] = [:]

    /// Counts one more.
    ///
    /// - Parameters:
    ///   - reason: Why; one of a few texts.
    ///   - addresses: Where such connections came from, if known.
    /// - Returns: What to tell about it: the first, the tenth, the hundredth and so on, of each reason.
    mutating func add(_ reason: String, from addresses: [String]) -> String? {
        let count = counts[reason, default: 0] + 1
        counts[reason] = count
        guard isPowerOfTen(count) else { return nil }
        let places = addresses.isEmpty ? "" : " from \(Set(addresses).sorted().joined(separator: ", "))"
        return count == 1
            ? "turned a connection\(places) away: \(reason)"
            : "turned \(count) connections away so far, the last\(places): \(reason)"
    }

    private func isPowerOfTen(_ count: Int) -> Bool {
        var power = 1
        while power < count { power *= 10 }
        return power == count
    }
}

import ZeroMQ

/// Counts rejections by their reason, and reports them so rarely that a flood of connections causes no flood of lines.
struct RejectionLog {
    private var counts: [String: Int] = [:]

    /// Counts one more rejection.
    ///
    /// - Parameters:
    ///   - reason: The reason, one of a few texts.
    ///   - addresses: The addresses of the connections, if known.
    /// - Returns: The text to report for the first, tenth, hundredth ... rejection with this reason; otherwise nil.
    mutating func add(_ reason: String, from addresses: [String]) -> String? {
        let count = counts[reason, default: 0] + 1
        counts[reason] = count
        guard isPowerOfTen(count) else { return nil }
        let places = addresses.isEmpty ? "" : " from \(Set(addresses).sorted().joined(separator: ", "))"
        return count == 1
            ? "rejected a connection\(places): \(reason)"
            : "rejected \(count) connections so far, the last\(places): \(reason)"
    }

    private func isPowerOfTen(_ count: Int) -> Bool {
        var power = 1
        while power < count { power *= 10 }
        return power == count
    }
}

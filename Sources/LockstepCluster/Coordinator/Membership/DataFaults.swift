/// How often the data set has changed in the memory of a host's workers.
///
/// Each time the worker leaves, the run goes back to an earlier state, and another process of the host may join with a new
/// copy of the data set. If the memory of the host is faulty, this happens again and again, so the host is excluded.
struct DataFaults: Sendable {
    /// The faults of a host after which its workers are refused.
    static let limit = 3
    private static let capacity = 64

    private var counts: [(host: String, count: Int)] = []

    /// Counts a worker of this host whose data set has changed. Hosts with the latest faults are kept.
    mutating func record(_ host: String) {
        let count = count(of: host) + 1
        counts.removeAll { $0.host == host }
        if counts.count == Self.capacity { counts.removeFirst() }
        counts.append((host, count))
    }

    /// Whether workers of this host are refused.
    func excludes(_ host: String) -> Bool { count(of: host) >= Self.limit }

    private func count(of host: String) -> Int { counts.first { $0.host == host }?.count ?? 0 }
}

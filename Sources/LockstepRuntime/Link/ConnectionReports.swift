import ZeroMQ

/// What is worth reporting about connections that were rejected or cut, each reason seldom.
struct ConnectionReports {
    let hasKeys: Bool
    private let zap: ZAPHandler?
    private var log = RejectionLog()
    private var lines: [String] = []

    /// - Parameter zap: Knows where clients with unknown keys came from; nil without keys.
    init(zap: ZAPHandler?) {
        self.zap = zap
        hasKeys = zap != nil
    }

    /// Ends the handler: clients that come later are refused.
    func stop() {
        zap?.stop()
    }

    var isEmpty: Bool { lines.isEmpty }

    /// Counts a connection, and reports it if it is the first, tenth, hundredth ... for this reason.
    mutating func count(_ reason: String) {
        let addresses = zap?.drainRefusedAddresses() ?? []
        if let line = log.add(reason, from: addresses) { lines.append(line) }
    }

    /// Reports a line once.
    mutating func add(_ line: String) {
        lines.append(line)
    }

    /// The oldest line that has not been reported.
    mutating func popFirst() -> String? {
        lines.isEmpty ? nil : lines.removeFirst()
    }
}

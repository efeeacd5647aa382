import ZeroMQ

/// The reports of connections that were rejected or cut. The same reason is reported ever more rarely.
struct ConnectionReports {
    let hasKeys: Bool
    private let zap: ZAPHandler?
    private var log = RejectionLog()
    private var lines: [String] = []

    /// - Parameter zap: The handler that knows the addresses of clients with unknown keys; nil without keys.
    init(zap: ZAPHandler?) {
        self.zap = zap
        hasKeys = zap != nil
    }

    /// Stops the handler: libzmq then rejects every later client.
    func stop() {
        zap?.stop()
    }

    var isEmpty: Bool { lines.isEmpty }

    /// Counts a rejected connection, and reports the first, tenth, hundredth ... one of each reason.
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

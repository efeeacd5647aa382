import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// Says why a worker still waits for its coordinator, again and again, on a thread of its own: finding out may take seconds,
/// and the worker goes on trying meanwhile.
final class WaitReport: Sendable {
    private struct State {
        /// Counts the waits; a thread whose wait is over finds another number.
        var wait = 0
        var isWaiting = false
        /// Why single endpoints are out of the question.
        var refusals: [String] = []
    }

    private let addresses: CoordinatorAddresses
    private let hasKeys: Bool
    private let seconds: Double
    private let report: @Sendable (String) -> Void
    private let state = Locked(State())

    /// - Parameters:
    ///   - addresses: Where the worker looks for its coordinator.
    ///   - hasKeys: Whether the worker has keys.
    ///   - seconds: The time between two lines.
    ///   - report: Called with each line, on any thread.
    init(
        _ addresses: CoordinatorAddresses, hasKeys: Bool, seconds: Double,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.addresses = addresses
        self.hasKeys = hasKeys
        self.seconds = seconds
        self.report = report
    }

    /// A wait begins; the first line comes after the time between two lines.
    func begin() {
        let wait = state.withLock { state in
            state.wait += 1
            state.isWaiting = true
            return state.wait
        }
        // Without a thread the worker waits in silence.
        _ = try? Thread(name: "wait-report") { [self] in
            while true {
                Thread.sleep(seconds: seconds)
                guard isCurrent(wait) else { return }
                let line = line
                guard isCurrent(wait) else { return }
                report(line)
            }
        }
    }

    /// The wait is over.
    func end() { state.withLock { $0.isWaiting = false } }

    /// Replaces the reasons for which single endpoints are out of the question.
    func setRefusals(_ refusals: [String]) { state.withLock { $0.refusals = refusals } }

    /// Follows a worker's notices, which say when it waits.
    func update(with notice: WorkerNotice) {
        switch notice {
        case .joined, .fetchingData, .runIsFull, .payloadInline: end()
        case .lostCoordinator, .runInterrupted: begin()
        case .rejoining, .handshakesFailing: break
        }
    }

    private func isCurrent(_ wait: Int) -> Bool { state.withLock { $0.isWaiting && $0.wait == wait } }

    /// Why each endpoint does not answer.
    private var line: String {
        let refusals = state.withLock { $0.refusals }
        let reasons = addresses.endpoints.compactMap { endpoint in
            refusals.contains { $0.contains("\(endpoint)") } ? nil : "\(endpoint): \(reason(of: endpoint))"
        }
        return "Still waiting for the coordinator: "
            + (reasons + refusals + addresses.reasonsOfNoEndpoints).joined(separator: "; ")
    }

    private func reason(of endpoint: Endpoint) -> String {
        if let reason = endpoint.reasonOfNoConnection { return reason }
        return "a program accepts connections, but does not answer as a coordinator"
            + (hasKeys ? "" : "; does it require keys?")
    }
}

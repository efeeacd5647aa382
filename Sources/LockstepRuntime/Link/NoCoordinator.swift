package import ZeroMQ

/// No coordinator has answered in time.
package struct NoCoordinator: Error, Hashable, Sendable, CustomStringConvertible {
    package let endpoint: Endpoint
    /// How long this process has waited.
    package let seconds: Double
    /// Why the endpoint's host has no address; nil if it has one.
    private let unresolved: String?

    /// Finds out whether the endpoint's host has an address.
    package init(at endpoint: Endpoint, seconds: Double) {
        self.endpoint = endpoint
        self.seconds = seconds
        unresolved = endpoint.reasonOfNoAddress
    }

    package var description: String {
        let fact = "no coordinator answered at \(endpoint) within \(Int(seconds)) s"
        return unresolved.map { "\(fact): \($0); check the name, or give the address of the coordinator's host" }
            ?? "\(fact); is it running, and is the endpoint right?"
    }
}

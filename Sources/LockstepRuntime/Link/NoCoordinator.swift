package import ZeroMQ

/// No coordinator has answered in time.
package struct NoCoordinator: Error, Hashable, Sendable, CustomStringConvertible {
    /// The endpoints.
    package let place: String
    /// How long this process has waited.
    package let seconds: Double
    /// Why, and what to do; nil if that is not known.
    private let explanation: String?

    /// Finds out whether the endpoint's host has an address.
    package init(at endpoint: Endpoint, seconds: Double) {
        place = "\(endpoint)"
        self.seconds = seconds
        explanation = endpoint.reasonOfNoAddress.map {
            "\($0); check the name, or give the address of the coordinator's host"
        }
    }

    /// None of several endpoints has answered.
    ///
    /// - Parameters:
    ///   - addresses: The endpoints.
    ///   - seconds: How long this process has waited.
    ///   - refusals: Why single endpoints are out of the question.
    init(at addresses: CoordinatorAddresses, seconds: Double, refusals: [String]) {
        place = addresses.description
        self.seconds = seconds
        let reasons = refusals + addresses.reasonsOfNoEndpoints
        explanation = reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }

    package var description: String {
        let fact = "no coordinator answered at \(place) within \(Int(seconds)) s"
        return explanation.map { "\(fact): \($0)" } ?? "\(fact); is it running, and is the endpoint right?"
    }
}

/// The code of a program's own model has thrown an error.
package struct ModelFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What it threw.
    package var reason: String
    /// Where it happened; nil: when the model was proved, before the first step.
    package var place: String?

    package init(reason: String, place: String? = nil) {
        self.reason = reason
        self.place = place
    }

    package var description: String { "the model has thrown an error\(place.map { " in \($0)" } ?? ""): \(reason)" }
}

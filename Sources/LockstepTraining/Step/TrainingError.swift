/// Why training cannot start or continue.
package enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The data set's samples do not fit the network's input or output layer.
    case shapeMismatch(String)
    /// A loss, a gradient or a weight is infinite or not a number.
    case notFinite(NonFiniteError)
    /// Memory of this process or of workers changes again and again, or there is no state of the run to go back to.
    case memoryFault(MemoryFault)
    /// The configuration has an impossible value.
    case invalidConfiguration(String)

    package var description: String {
        switch self {
        case .shapeMismatch(let reason), .invalidConfiguration(let reason):
            return reason
        case .notFinite(let error):
            return error.description
        case .memoryFault(let fault):
            return fault.description
        }
    }
}

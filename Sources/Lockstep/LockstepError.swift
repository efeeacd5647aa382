/// Why something could not be done: one line that names the thing, the reason and the remedy.
public struct LockstepError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What an error is about.
    public enum Kind: Hashable, Sendable {
        /// Sizes, rates or numbers that no network or run can have, or that do not fit each other.
        case configuration
        /// Samples that are missing, damaged or contradict each other.
        case data
        /// A file that cannot be read or written.
        case file
        /// The matrix library is missing, or this processor does not run the kernel.
        case kernel
        /// Training came to a cost that is not a finite number.
        case notFinite
        /// Workers could not be started, or were lost.
        case workers
    }

    /// What the error is about.
    public let kind: Kind
    /// The thing, the reason, the remedy.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

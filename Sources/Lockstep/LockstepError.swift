/// An error in one line: what failed, why, and what to do about it.
public struct LockstepError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The subject of an error.
    public enum Kind: Hashable, Sendable {
        /// Sizes, rates or counts that are impossible or don't fit each other.
        case configuration
        /// Samples or images that are missing, damaged or contradict each other.
        case data
        /// A file that cannot be read or written.
        case file
        /// The matrix library is missing, or this processor does not run the kernel.
        case kernel
        /// Training reached a cost that is not a finite number.
        case notFinite
        /// Workers could not be started, or were lost.
        case workers
    }

    /// The subject of the error.
    public let kind: Kind
    /// What failed, why, and what to do about it.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

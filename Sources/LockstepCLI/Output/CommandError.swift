/// An error that a command finds by itself: one line that names the thing, the reason and the remedy.
///
/// Errors of other modules have types of their own; `ExitStatus` gives each of them its number.
struct CommandError: Error, Hashable, CustomStringConvertible {
    enum Kind: Hashable {
        /// Options whose values, or whose combination, make no sense.
        case usage
        /// A file or data set is not there.
        case missingInput
        /// A file or data set is there, but not what the command needs.
        case invalidData
        /// This host lacks something that training needs.
        case unavailable
        /// A check found that something computed wrong results.
        case failedCheck
    }

    let kind: Kind
    let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

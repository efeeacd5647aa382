/// Why a run cannot be resumed: what was looked for, what was found, and what to do.
package struct ResumeError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// There is no such run, or the folder is no run directory.
        case missingRun
        /// Keys of the configuration have changed that the weights depend on.
        case changedConfiguration
        /// No checkpoint can be read, or the newest one belongs to another run.
        case unusableCheckpoint
        /// The checkpoint was computed with a kernel whose bits this one does not reproduce.
        case differentBits
        /// The run is asked for fewer epochs than it has begun.
        case tooFewEpochs
    }

    package let kind: Kind
    package let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = "--resume: " + description
    }
}

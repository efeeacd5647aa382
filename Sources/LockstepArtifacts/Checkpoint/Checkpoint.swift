package import LockstepTraining

/// A state of a run in a file, with what tells whether another process may go on with it.
package struct Checkpoint {
    package var identity: RunIdentity
    package var state: TrainingState

    package init(identity: RunIdentity, state: TrainingState) {
        self.identity = identity
        self.state = state
    }
}

/// What a run's weights depend on: a checkpoint belongs to the runs that have all of it.
package struct RunIdentity: Hashable, Sendable {
    /// Digest of those keys of the configuration that may not change: ``ConfigurationFile/digest(of:)``.
    package var configuration: String
    /// SHA-256 of the data set.
    package var data: String
    package var programVersion: String
    /// For people: the fingerprint is what counts.
    package var kernel: String
    package var fingerprint: NumericFingerprint

    package init(
        configuration: String, data: String, programVersion: String, kernel: String, fingerprint: NumericFingerprint
    ) {
        self.configuration = configuration
        self.data = data
        self.programVersion = programVersion
        self.kernel = kernel
        self.fingerprint = fingerprint
    }
}

package import LockstepTraining

/// The state of a run in a file, and the identity that a process needs in order to resume it.
package struct Checkpoint {
    package var identity: RunIdentity
    package var state: TrainingState

    package init(identity: RunIdentity, state: TrainingState) {
        self.identity = identity
        self.state = state
    }
}

/// What a run's weights depend on; a run can resume only from a checkpoint with an equal identity.
package struct RunIdentity: Hashable, Sendable {
    /// The digest of the configuration's keys that may not change: ``ConfigurationFile/digest(of:)``.
    package var configuration: String
    /// The same without the paths of the data set's files, which may move; nil in checkpoints of older programs.
    package var configurationWithoutPaths: String?
    /// SHA-256 of the data set.
    package var data: String
    package var programVersion: String
    /// For messages; the fingerprint is compared instead.
    package var kernel: String
    package var fingerprint: NumericFingerprint

    package init(
        configuration: String, configurationWithoutPaths: String? = nil, data: String, programVersion: String,
        kernel: String, fingerprint: NumericFingerprint
    ) {
        self.configuration = configuration
        self.configurationWithoutPaths = configurationWithoutPaths
        self.data = data
        self.programVersion = programVersion
        self.kernel = kernel
        self.fingerprint = fingerprint
    }
}

package import LockstepNumerics

/// A run between two steps: everything that its future depends on, beside its configuration and its data.
package struct TrainingState {
    package var progress: TrainingProgress
    /// All parameters, in the layout's order.
    package var parameters: FloatBuffer
    /// What the optimizer remembers for each parameter, such as moments; each buffer is laid out as the parameters.
    package var optimizer: [(name: String, buffer: FloatBuffer)]

    package init(
        progress: TrainingProgress, parameters: FloatBuffer, optimizer: [(name: String, buffer: FloatBuffer)]
    ) {
        self.progress = progress
        self.parameters = parameters
        self.optimizer = optimizer
    }
}

/// Keeps states of a run, from which it can be resumed. Used on the training thread, between steps.
package protocol CheckpointStore: AnyObject {
    /// Called once, before the first step: makes room for states like this one.
    func prepare(for state: TrainingState)

    /// Whether it is time to keep a state. Asked after every step.
    func isDue(at now: ContinuousClock.Instant) -> Bool

    /// Copies the state and keeps it, while training goes on.
    ///
    /// A state that cannot be kept is no reason to end the run: the store tells whoever watches it, and the states
    /// kept before stay.
    ///
    /// - Parameters:
    ///   - state: Its buffers are read during the call only.
    ///   - isLast: Whether no other will follow: the call returns once the state is safe, or cannot be kept.
    func save(_ state: TrainingState, isLast: Bool)
}

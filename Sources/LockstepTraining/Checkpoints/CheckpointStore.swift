package import LockstepNumerics
package import LockstepTimeline

/// The state of a run between two steps: with the configuration and the data, all that the next steps depend on.
package struct TrainingState {
    package var progress: TrainingProgress
    /// All parameters, in the layout's order.
    package var parameters: FloatBuffer
    /// The optimizer's state for each parameter, such as moments; each buffer has the parameters' layout.
    package var optimizer: [(name: String, buffer: FloatBuffer)]
    /// The sums of the bits of `parameters` and `optimizer` as the last step has written them; nil: unknown. A copy of the state
    /// with other bits must not be saved.
    package var sums: BitSums?

    /// Whether the memory of the state holds the bits that were written to it, as far as that is known.
    package var isIntact: Bool {
        guard let sums else { return true }
        let state = optimizer.reduce(0) { $0 &+ $1.buffer.bitSum }
        return sums == BitSums(weights: parameters.bitSum, state: state)
    }

    package init(
        progress: TrainingProgress, parameters: FloatBuffer, optimizer: [(name: String, buffer: FloatBuffer)]
    ) {
        self.progress = progress
        self.parameters = parameters
        self.optimizer = optimizer
    }
}

/// Saves states of a run, from which it can be resumed. Called on the training thread, between steps.
package protocol CheckpointStore: AnyObject {
    /// Allocates memory for states like this one. Called once, before the first step.
    func prepare(for state: TrainingState)

    /// Whether a state should be saved now. Called after every step.
    func isDue(at now: Instant) -> Bool

    /// Copies the state and saves the copy while training continues.
    ///
    /// A state that cannot be saved does not end the run: the store reports it, and earlier states stay.
    ///
    /// - Parameters:
    ///   - state: Its buffers are read during the call only.
    ///   - isLast: Whether this is the run's last state: then the call returns once it is saved, or cannot be.
    func save(_ state: TrainingState, isLast: Bool)

    /// Loads the newest saved state that is intact, once all saving is over; nil if there is none.
    ///
    /// - Throws: The error if the folder of saved states cannot be read.
    func newest() throws -> TrainingState?
}

package import LockstepSystem

/// What others ask of a run while it goes on. Both questions cost no more than a load from memory.
package struct StopRequests: Sendable {
    /// The signal that asks the run to end after this step; nil: none has arrived.
    let signal: @Sendable () -> Int32?
    /// How often a checkpoint has been asked for.
    let checkpointCount: @Sendable () -> Int

    /// What the signals of this process ask for.
    package init(_ signals: StopSignals) {
        self.init(signal: { signals.requested }, checkpointCount: { signals.requestCount })
    }

    /// Nothing is ever asked.
    package static let none = StopRequests(signal: { nil })

    init(signal: @escaping @Sendable () -> Int32?, checkpointCount: @escaping @Sendable () -> Int = { 0 }) {
        self.signal = signal
        self.checkpointCount = checkpointCount
    }
}

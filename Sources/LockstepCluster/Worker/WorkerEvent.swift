package import LockstepProtocol

/// What can happen to a worker.
package enum WorkerEvent: Sendable {
    /// The connection to the coordinator stands.
    case connected
    case disconnected
    case welcomed(run: UInt32, MemberID)
    case refused(Refusal)
    /// The data set that the run needs is in memory.
    case dataReady
    /// It has to be fetched from the coordinator.
    case dataMissing(bytes: UInt64)
    /// A piece of it has come.
    case dataReceived(offset: UInt64, count: Int)
    /// The fingerprint is computed.
    case proved(Ready)
    /// A chunk of the weights has come; its floats wait to be stored.
    case parameters(version: UInt64, chunk: Int)
    /// The coordinator asks for a node's gradient or a block's score.
    case assigned(WorkItem)
    case dismissed(Goodbye)
    /// This process cannot take part: no such kernel, no memory, a broken configuration.
    case unable(reason: String)
    /// The coordinator lets nobody in who has our keys, or none: more attempts would change nothing.
    case turnedAway(reason: String)
    /// The coordinator has said something that makes no sense.
    case confused(reason: String)
    /// This process has been asked to stop.
    case stop
    /// Time has passed.
    case tick
}

/// What a worker's loop is to do, in this order.
package enum WorkerAction: Sendable {
    case sendHello
    /// Read the run's configuration and look for its data set.
    case prepare
    case requestData(offset: UInt64, count: Int)
    /// All of the data set has come: check it and keep it.
    case acceptData
    /// Open the matrix library and compute the fingerprint.
    case prove
    case sendReady(Ready)
    /// Keep the floats at hand as this chunk of this version.
    case store(version: UInt64, chunk: Int)
    /// Compute an item and send the answer.
    case compute(WorkItem)
    /// Answer an item that asks only whether the weights are there.
    case acknowledge(WorkItem)
    case sendGoodbye(Goodbye)
    case notify(WorkerNotice)
    case exit(WorkerEnding)
}

/// News, for people.
package enum WorkerNotice: Hashable, Sendable {
    case joined(MemberID)
    case fetchingData(bytes: UInt64)
    case lostCoordinator(seconds: Double)
    case rejoining(reason: String)
    /// Connections are broken off before anything can be said.
    case brokenOff(endpoint: String)
    /// No memory is shared with a coordinator that offers it.
    case payloadInline(reason: String)
}

/// How a worker ends.
package enum WorkerEnding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The run is over.
    case finished
    /// It was asked to stop and has said goodbye.
    case stopped
    /// No coordinator answered in time.
    case noCoordinator(seconds: Double)
    case refused(Refusal)
    case unable(reason: String)
    /// The coordinator does not accept this worker's keys.
    case turnedAway(reason: String)
    /// The coordinator ended the run because of a failure.
    case failed(message: String)

    package var description: String {
        switch self {
        case .finished: "the run is over"
        case .stopped: "asked to stop"
        case .noCoordinator(let seconds):
            "no coordinator answered within \(Int(seconds)) s; is it running, and is the endpoint right?"
        case .refused(let refusal): "the coordinator refused this worker: \(refusal.message)"
        case .unable(let reason), .turnedAway(let reason): reason
        case .failed(let message): "the run failed: \(message)"
        }
    }
}

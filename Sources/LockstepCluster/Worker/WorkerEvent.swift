package import LockstepProtocol
package import LockstepSharding

/// An input of the worker's machine.
package enum WorkerEvent: Sendable {
    /// The connection to the coordinator is established.
    case connected
    case disconnected
    case welcomed(run: UInt32, MemberID)
    case refused(Refusal)
    /// The run's data set is in memory.
    case dataReady
    /// The worker has no copy of the data set, or only its beginning, and must fetch the rest from the coordinator.
    case dataMissing(bytes: UInt64, received: UInt64 = 0)
    /// A part of the data set has arrived.
    case dataReceived(offset: UInt64, count: Int)
    /// The worker has computed its fingerprint.
    case proved(Ready)
    /// A part of a chunk of the weights has arrived; its floats are not stored yet.
    case parameters(version: UInt64, ChunkPart)
    /// The coordinator assigns a tree node or a block.
    case assigned(WorkItem)
    /// The coordinator asks whether the data set in this process's own memory is intact.
    case dataCheckRequested(number: UInt64)
    /// The data set has changed in this process's own memory.
    case dataChanged
    case dismissed(Goodbye)
    /// The coordinator has answered a ping.
    case ponged
    /// This process cannot take part: no such kernel, no memory, a broken configuration.
    case unable(reason: String)
    /// The code of the program's own model has thrown this: any other worker's would throw it too.
    case modelFailed(reason: String)
    /// The coordinator rejects this worker's keys, or a worker without keys. Further attempts would fail too.
    case rejected(reason: String)
    /// The coordinator has sent a message that breaks the protocol.
    case protocolBroken(reason: String)
    /// This process is asked to stop.
    case stop
    /// Time has passed.
    case tick
}

/// An output of the worker's machine. The loop carries the actions out in order.
package enum WorkerAction: Hashable, Sendable {
    case sendHello
    /// Read the run's configuration and look for its data set.
    case prepare
    case requestData(offset: UInt64, count: Int)
    /// Check the data set, which has arrived completely, and store it.
    case acceptData
    /// Open the compute library and compute the fingerprint.
    case prove
    case sendReady(Ready)
    /// Store the received floats as this part of this version.
    case store(version: UInt64, ChunkPart)
    /// Compute an item and send the answer.
    case compute(WorkItem)
    /// Answer an item that has nothing to compute: the weights have arrived.
    case acknowledge(WorkItem)
    /// Read the data set in this process's own memory. Answer the request of this number if it is intact, and report
    /// ``WorkerEvent/dataChanged`` if it is not.
    case checkData(number: UInt64)
    case sendGoodbye(Goodbye)
    /// Ask a coordinator that says nothing for a sign of life.
    case sendPing
    case notify(WorkerNotice)
    case exit(WorkerEnding)
}

/// What happens in a worker, for people.
package enum WorkerNotice: Hashable, Sendable {
    case joined(MemberID)
    case fetchingData(bytes: UInt64)
    case lostCoordinator(seconds: Double)
    case rejoining(reason: String)
    /// The coordinator has ended before its run was finished. The worker waits for one that resumes the run.
    case runInterrupted(message: String, seconds: Double)
    /// The run has no place for this worker, which asks again until the time is over.
    case runIsFull(Refusal, seconds: Double)
    /// Several consecutive handshakes have failed.
    case handshakesFailing(endpoint: String, hasKeys: Bool)
    /// This worker cannot use the shared memory that the coordinator offers.
    case payloadInline(reason: String)
}

/// How a worker ends.
package enum WorkerEnding: Error, Hashable, Sendable, CustomStringConvertible {
    /// The run is over.
    case finished
    /// The worker was asked to stop and has said goodbye.
    case stopped
    /// No coordinator answered in time.
    case noCoordinator(seconds: Double)
    case refused(Refusal)
    case unable(reason: String)
    /// The coordinator rejects this worker's keys.
    case rejected(reason: String)
    /// This number of consecutive memberships has ended before the worker received data or work.
    case brokenLink(memberships: Int)
    /// The coordinator ended the run because of a failure.
    case failed(message: String)

    package var description: String {
        switch self {
        case .finished: "the run is over"
        case .stopped: "asked to stop"
        case .noCoordinator(let seconds):
            "no coordinator answered within \(Int(seconds)) s"
        case .refused(let refusal): "the coordinator refused this worker: \(refusal.message)"
        case .unable(let reason), .rejected(let reason): reason
        case .brokenLink(let memberships):
            "this link is too slow or breaks too often: the connection to the coordinator was lost \(memberships) times in "
                + "a row before any work had come over it"
        case .failed(let message): "the run failed: \(message)"
        }
    }
}

import LockstepCluster
import LockstepProtocol
import LockstepSharding

/// A worker's answer, as the weights from which it was computed.
struct Answer: Hashable {
    /// The digest of the weights that the worker read.
    var digest: UInt64
    /// The process that made it wrong, counted from 1; 0: it is right. No two processes are wrong in the same way.
    var faultyProcess = 0
}

/// A worker's message.
enum Upward {
    case hello(Hello)
    case ping
    case dataRequest(WorkerMachine.Membership?, offset: UInt64, count: Int)
    case ready(WorkerMachine.Membership?, Ready)
    case gradient(WorkerMachine.Membership?, WorkItem, ChunkPart, Answer)
    case result(WorkerMachine.Membership?, WorkItem, Answer)
    case goodbye(WorkerMachine.Membership?, Goodbye)

    /// The membership that the message names; nil for a hello and a ping.
    var speaker: WorkerMachine.Membership? {
        switch self {
        case .hello, .ping: nil
        case .dataRequest(let speaker, _, _), .ready(let speaker, _), .gradient(let speaker, _, _, _),
            .result(let speaker, _, _), .goodbye(let speaker, _):
            speaker
        }
    }
}

/// The coordinator's message.
enum Downward {
    case welcome(WorkerMachine.Membership)
    case refuse(Refusal)
    case pong
    case dataChunk(WorkerMachine.Membership, offset: UInt64, count: Int)
    case parameters(WorkerMachine.Membership, version: UInt64, ChunkPart)
    case assign(WorkerMachine.Membership, WorkItem)
    case goodbye(WorkerMachine.Membership, Goodbye)
}

/// A simulated run that broke an invariant.
package struct SimulationFailure: Error, CustomStringConvertible {
    package let seed: UInt64
    package let reason: String
    /// The events before, the last one last.
    package var history: [String] = []

    package var description: String {
        "seed \(seed): \(reason)" + history.suffix(60).map { "\n    " + $0 }.joined()
    }
}

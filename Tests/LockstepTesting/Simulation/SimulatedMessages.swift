import LockstepCluster
import LockstepProtocol

/// What a worker's answer was computed from.
struct Answer: Hashable {
    /// The digest of the weights that the worker read.
    var digest: UInt64
    /// The process that made it wrong, counted from 1; 0: it is right. No two processes are wrong in the same way.
    var faultyProcess = 0
}

/// What a worker says.
enum Upward {
    case hello(Hello)
    case dataRequest(WorkerMachine.Membership?, offset: UInt64, count: Int)
    case ready(WorkerMachine.Membership?, Ready)
    case gradient(WorkerMachine.Membership?, WorkItem, chunk: Int, Answer)
    case result(WorkerMachine.Membership?, WorkItem, Answer)
    case goodbye(WorkerMachine.Membership?, Goodbye)

    /// As whom; nil for a hello.
    var speaker: WorkerMachine.Membership? {
        switch self {
        case .hello: nil
        case .dataRequest(let speaker, _, _), .ready(let speaker, _), .gradient(let speaker, _, _, _),
            .result(let speaker, _, _), .goodbye(let speaker, _):
            speaker
        }
    }
}

/// What the coordinator says.
enum Downward {
    case welcome(WorkerMachine.Membership)
    case refuse(Refusal)
    case dataChunk(WorkerMachine.Membership, offset: UInt64, count: Int)
    case parameters(WorkerMachine.Membership, version: UInt64, chunk: Int)
    case assign(WorkerMachine.Membership, WorkItem)
    case goodbye(WorkerMachine.Membership, Goodbye)
}

/// A simulated run that broke a promise.
package struct SimulationFailure: Error, CustomStringConvertible {
    package let seed: UInt64
    package let reason: String
    /// What happened before, the last things last.
    package var history: [String] = []

    package var description: String {
        "seed \(seed): \(reason)" + history.suffix(60).map { "\n    " + $0 }.joined()
    }
}

/// Why a run on several processes ended early.
package enum RunError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The process received a signal while it waited for workers.
    case interrupted(signal: Int32)
    /// A worker that this process started ended before it joined.
    case workerDidNotJoin(index: Int, ending: String, logTail: String?, log: String?)
    /// All workers that this process started have ended, and no others can join.
    case noWorkersLeft(ending: String, log: String?)
    /// All workers that this process started were told to stop, and no others can join.
    case workersToldToStop
    /// The code of the program's own model has thrown an error in a worker.
    case modelFailed(worker: String, reason: String)

    package var description: String {
        switch self {
        case .interrupted(let signal):
            "interrupted by signal \(signal)"
        case .workerDidNotJoin(let index, let ending, let logTail, let log):
            "worker \(index) \(ending) before it joined" + (logTail.map { ": \($0)" } ?? "")
                + (log.map { "; its log is \($0)" } ?? "")
        case .noWorkersLeft(let ending, let log):
            "all workers on this host have ended, the last one \(ending)" + (log.map { "; its log is \($0)" } ?? "")
        case .workersToldToStop:
            "all workers were told to stop"
        case .modelFailed(let worker, let reason):
            "\(worker): \(reason)"
        }
    }

    /// The signal that interrupted the run, if this is the reason.
    package var interruption: Int32? {
        if case .interrupted(let signal) = self { return signal }
        return nil
    }
}

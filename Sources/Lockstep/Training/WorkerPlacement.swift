/// Which processes compute the gradients. The weights do not depend on it, given the shards.
public struct WorkerPlacement: Sendable {
    enum Kind: Sendable {
        case thisProcess
        case local(count: Int, executable: String?)
        case coordinator(endpoints: [String], keys: String?, workers: ClosedRange<Int>)
    }

    let kind: Kind

    /// This process alone, on one core.
    public static let thisProcess = WorkerPlacement(kind: .thisProcess)

    /// Worker processes on this host, which end with the training; one that dies is replaced.
    ///
    /// - Parameters:
    ///   - count: How many; each computes on one core.
    ///   - executable: The path of the program that they run; nil: this program itself if it has called
    ///     ``workerMain(_:)``, else `lockstep` as ``Workers`` finds it.
    /// - Returns: The placement.
    public static func workers(_ count: Int, executable: String? = nil) -> WorkerPlacement {
        WorkerPlacement(kind: .local(count: count, executable: executable))
    }

    /// Workers that are started elsewhere and connect to this process: `lockstep worker --connect ENDPOINT --keys DIR`, or for a
    /// model of one's own, `PROGRAM lockstep-worker --connect ENDPOINT --keys DIR`.
    ///
    /// - Parameters:
    ///   - endpoints: Where to listen: `tcp://0.0.0.0:5555`, or `ipc:///tmp/run.ipc`. Without keys only endpoints that stay on this
    ///     host are allowed.
    ///   - keys: A folder of keys, as `lockstep keygen` makes it; nil: none.
    ///   - workers: The fewest workers that the training begins with, and the most that it admits.
    /// - Returns: The placement.
    public static func coordinator(
        _ endpoints: [String], keys: String? = nil, workers: ClosedRange<Int>
    ) -> WorkerPlacement {
        WorkerPlacement(kind: .coordinator(endpoints: endpoints, keys: keys, workers: workers))
    }

    /// The shards of a run that does not set them.
    var workerCount: Int {
        switch kind {
        case .thisProcess: 1
        case .local(let count, _): count
        case .coordinator(_, _, let workers): workers.upperBound
        }
    }
}

/// Whether training continues an earlier run in its folder.
public enum Resuming: Hashable, Sendable {
    /// The folder must be new or empty.
    case never
    /// It continues from the folder's newest checkpoint, which must be there.
    case always
    /// It continues if the folder has a run, and begins one otherwise.
    case ifPresent
}

/// Which weights a model has after the training.
public enum KeptWeights: Hashable, Sendable {
    /// Those of the last step.
    case final
    /// Those of the epoch that was best on the validation samples; without these, the final ones.
    case best
}

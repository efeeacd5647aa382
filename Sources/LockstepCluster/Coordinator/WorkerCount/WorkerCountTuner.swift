import LockstepTimeline

/// Tunes which processes compute during the run.
///
/// More workers are not always faster: the messages of a small step take longer than its arithmetic. With `--workers
/// auto` the coordinator therefore times its own steps, and from time to time tries another choice
/// (``WorkerCountSearch``). The result stays the same: the same tree nodes are assigned to fewer workers, or the
/// coordinator computes some of them or the whole step. Beside fewer workers than there are cores the coordinator has a
/// core that would otherwise only wait.
///
/// If the coordinator computes alone, a step may be so short that even the state machine would slow it down. So for
/// ``aloneSeconds`` the loop computes unaudited steps without consulting the machine.
struct WorkerCountTuner: Sendable {
    /// Seconds for which the coordinator computes alone without consulting the machine.
    static let aloneSeconds = 0.002

    /// Whether the choice is tuned; if not, all workers compute.
    private let isEnabled: Bool
    /// Nil until the cost model's predictions are known; then all workers compute.
    private var search: WorkerCountSearch?
    /// The last step that began; nil if an evaluation or an audited step has begun since.
    private var lastBegin: (step: UInt64, at: Instant)?
    /// Until this instant the coordinator computes unaudited steps alone without consulting the machine, which would
    /// give the same answer; nil: it consults the machine.
    private(set) var computesAloneUntil: Instant?

    init(isEnabled: Bool) {
        self.isEnabled = isEnabled
    }

    /// The processes that compute; nil if all workers compute.
    var processes: ComputingProcesses? { search?.processes }

    /// Whether the coordinator computes alone because that is fastest.
    var coordinatorComputesAlone: Bool { search?.processes.isCoordinatorAlone ?? false }

    /// Whether the coordinator computes a step alone: because that is fastest, or because there is no active worker.
    func coordinatorComputesAlone(isAudited: Bool, active: Int) -> Bool {
        isEnabled && ((!isAudited && coordinatorComputesAlone) || active == 0)
    }

    /// Begins the search.
    ///
    /// - Parameters:
    ///   - predictions: Seconds of a step with 0, 1, ... workers, by the cost model.
    ///   - withCoordinator: Seconds of a step with the coordinator beside 1, 2, ... workers.
    mutating func begin(predictions: [Double], withCoordinator: [Double] = []) {
        guard isEnabled, !predictions.isEmpty else { return }
        search = WorkerCountSearch(predictions: predictions, withCoordinator: withCoordinator)
    }

    /// Adds the time of the steps since the last call, and chooses the processes for the step that begins. Audited steps are not timed, because all workers compute them.
    ///
    /// - Returns: The choice if it has changed; otherwise nil.
    mutating func beginStep(_ step: UInt64, isAudited: Bool, active: Int, now: Instant) -> WorkerCountChoice? {
        computesAloneUntil = nil
        guard search != nil else { return nil }
        var choice: WorkerCountChoice?
        if let last = lastBegin, last.step < step, now > last.at {
            choice = search?.add(now.seconds(since: last.at), steps: Int(step - last.step), available: active)
        }
        lastBegin = isAudited ? nil : (step, now)
        if coordinatorComputesAlone, !isAudited {
            computesAloneUntil = now.advanced(bySeconds: Self.aloneSeconds)
        }
        return choice
    }

    /// Begins an evaluation, whose time belongs to no step.
    mutating func beginEvaluation() {
        (lastBegin, computesAloneUntil) = (nil, nil)
    }
}

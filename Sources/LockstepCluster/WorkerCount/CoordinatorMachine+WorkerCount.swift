import LockstepSharding
import LockstepTimeline

/// How many workers compute, where that is chosen as the run goes on. What is computed stays the same: the tree's nodes
/// are only handed out to fewer, and the coordinator is one more who can compute them.
extension CoordinatorMachine {
    /// Seconds for which the coordinator goes on by itself without asking again.
    static let aloneSeconds = 0.002

    /// Takes the time of the steps before in and chooses for the one that begins. Audited steps are others' affair: in
    /// them everybody computes.
    mutating func adapt(step: UInt64, isAudited: Bool, now: Instant, into actions: inout [CoordinatorAction]) {
        computesAloneUntil = nil
        guard activity != nil else { return }
        if let last = lastBegin, last.step < step, now > last.at {
            let seconds = Double(now.nanoseconds - last.at.nanoseconds) * 1e-9
            let available = activeCount
            if let choice = activity?.add(
                seconds, steps: Int(step - last.step), available: available)
            {
                actions.append(.notify(.workerCount(choice)))
            }
        }
        lastBegin = isAudited ? nil : (step, now)
        if coordinatorComputesAlone, !isAudited { computesAloneUntil = now.advanced(bySeconds: Self.aloneSeconds) }
    }

    /// The most workers that may compute in the step under way; nil: all.
    var activityLimit: Int? {
        round?.audit == nil ? activity?.workers : nil
    }

    /// Whether the coordinator is to compute a step by itself.
    var isAloneInStep: Bool {
        configuration.tunesWorkerCount && (activityLimit == 0 || activeCount == 0)
    }

    /// Whether it chooses to: then nothing needs to be told to anybody.
    package var coordinatorComputesAlone: Bool { activity?.workers == 0 }

    /// Workers that take part now: all that are there, or those that are chosen.
    package var computingCount: Int {
        min(activity?.workers ?? activeCount, activeCount)
    }

    /// Has the coordinator compute what is left of the round.
    mutating func finishAlone(into actions: inout [CoordinatorAction]) {
        guard let round, !round.isComplete else { return }
        switch round.work {
        case .step(let tree):
            actions.append(.computeHere(round.item(tree.root.rawValue)))
        case .evaluation:
            for number in round.unanswered.sorted() { actions.append(.computeHere(round.item(number))) }
        }
        self.round?.audit = nil
        self.round?.pending.removeAll()
        self.round?.isComplete = true
    }
}

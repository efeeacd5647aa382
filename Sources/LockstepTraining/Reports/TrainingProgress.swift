/// How far a run has come between two steps: what the reports of the steps to come build on.
///
/// Together with the weights and the optimizer's state it is all that a run needs to go on as if nothing had happened.
package struct TrainingProgress: Codable, Hashable, Sendable {
    /// Steps finished in the whole run.
    package var step: UInt64 = 0
    /// The epochs that have been reported.
    package var epochs: [EpochReport] = []
    /// Sum of the costs of the samples that the epoch under way has seen, each under the weights of its step.
    package var epochLossSum = 0.0
    /// Of the steps of the epoch under way.
    package var epochSeconds = 0.0
    /// Of the steps of the reported epochs; evaluation excluded.
    package var seconds = 0.0
    /// Samples of all steps.
    package var samples = 0
    /// The longest time between two finished steps of an epoch, in seconds.
    package var longestStepGap = 0.0
    /// The highest validation count so far.
    package var bestValidation: Int?
    package var membership = MembershipCounts()
    /// The optimizer's numbers beside its buffers, such as running products.
    package var optimizerScalars: [String: Double] = [:]

    /// The progress of a run that has not started.
    package init() {}

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case step, epochs, epochSeconds, seconds, samples, longestStepGap, bestValidation, membership, optimizerScalars
        case epochLossSum = "epochLoss"
    }

    /// The epoch under way, or the next one; from 0.
    package var epoch: Int { epochs.count }

    /// Whether step and epochs go together in a run with so many steps an epoch.
    ///
    /// At an epoch's end the steps are there first and the report follows, so the boundary belongs to both epochs.
    package func isConsistent(stepsPerEpoch: Int) -> Bool {
        let first = epochs.count.multipliedReportingOverflow(by: stepsPerEpoch)
        guard !first.overflow, step >= UInt64(first.partialValue) else { return false }
        return step - UInt64(first.partialValue) <= UInt64(stepsPerEpoch)
    }
}

extension TrainingProgress {
    /// Larger than any count of a run; sums of many such counts are still numbers.
    private static let mostCounted = 1 << 53

    /// Whether its counts are such that a run can have come to them and go on counting: whoever reads a progress from a
    /// file asks.
    package var isPlausible: Bool {
        let counts = [
            samples, bestValidation ?? 0, membership.lost, membership.joined, membership.shardsReassigned,
            Int(clamping: step), Int(clamping: membership.inlinePayloadBytes),
        ]
        return counts.allSatisfy { (0...Self.mostCounted).contains($0) }
    }
}

extension MembershipCounts {
    /// What happened before a run was resumed, and after.
    static func + (left: MembershipCounts, right: MembershipCounts) -> MembershipCounts {
        var sum = left
        sum.lost += right.lost
        sum.joined += right.joined
        sum.shardsReassigned += right.shardsReassigned
        sum.inlinePayloadBytes += right.inlinePayloadBytes
        sum.restarts += right.restarts
        sum.duplicates += right.duplicates
        sum.stepsAudited += right.stepsAudited
        sum.quarantined += right.quarantined
        sum.isBitwiseReproducible = left.isBitwiseReproducible && right.isBitwiseReproducible
        return sum
    }
}

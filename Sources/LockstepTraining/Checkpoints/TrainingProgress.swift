package import LockstepSharding

/// How far a run has come, between two steps.
///
/// With the weights and the optimizer's state it is all that a resumed run needs to continue as if it had never stopped.
package struct TrainingProgress: Codable, Hashable, Sendable {
    /// Finished steps of the whole run.
    package var step: UInt64 = 0
    /// The epochs that have been reported.
    package var epochs: [EpochReport] = []
    /// The sum of the losses of the current epoch's samples, each with the weights of its step.
    package var epochLossSum = 0.0
    /// Seconds of the steps of the current epoch.
    package var epochSeconds = 0.0
    /// Seconds of the steps of the reported epochs, without evaluation.
    package var seconds = 0.0
    /// Samples of all steps.
    package var samples = 0
    /// The longest time between two finished steps of an epoch, in seconds.
    package var longestStepGap = 0.0
    /// The highest number of correct validation samples so far.
    package var bestValidation: Int?
    package var membership = MembershipCounts()
    /// The optimizer's state that is one number each, such as running products.
    package var optimizerScalars: [String: Double] = [:]

    /// The progress of a run that has not started.
    package init() {}

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case step, epochs, epochSeconds, seconds, samples, longestStepGap, bestValidation, membership, optimizerScalars
        case epochLossSum = "epochLoss"
    }

    /// The current epoch, or between two epochs the next one; from 0.
    package var epoch: Int { epochs.count }

    /// Whether step and epochs agree in a run with so many steps in an epoch.
    ///
    /// At an epoch's end the last step comes before the report, so the boundary belongs to both epochs.
    package func isConsistent(stepsPerEpoch: Int) -> Bool {
        let first = epochs.count.multipliedReportingOverflow(by: stepsPerEpoch)
        guard !first.overflow, step >= UInt64(first.partialValue) else { return false }
        return step - UInt64(first.partialValue) <= UInt64(stepsPerEpoch)
    }
}

extension TrainingProgress {
    /// Whether a run can have these counts; to be checked after reading them from a file.
    package var isPlausible: Bool {
        let counts = [samples, bestValidation ?? 0, Int(clamping: step)]
        return membership.isPlausible && counts.allSatisfy { (0...MembershipCounts.maximumCount).contains($0) }
    }
}

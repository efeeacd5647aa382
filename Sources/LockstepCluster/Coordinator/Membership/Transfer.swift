import LockstepTimeline

/// Bytes that move over a member's connection while the coordinator waits for it: weights on their way to it, or its answer.
///
/// They are a sign of life, which heartbeats alone are not: the I/O thread of a worker that hangs answers those.
package struct Transfer: Hashable, Sendable {
    /// Bytes a second, of both directions.
    let bytesPerSecond: UInt64
    /// Bytes of one version of the weights, or of one gradient.
    let gradientBytes: UInt64
    /// When they were seen to move.
    let seen: Instant

    /// Seconds that the link needs for a step with this number of gradients.
    func secondsOfStep(gradients: Int) -> Double {
        Double(bytesOfStep(gradients: gradients)) / Double(max(1, bytesPerSecond))
    }

    /// Bytes of a step: a version of the weights, and this number of gradients.
    func bytesOfStep(gradients: Int) -> UInt64 {
        let (bytes, overflow) = gradientBytes.multipliedReportingOverflow(by: UInt64(max(1, gradients) + 1))
        return overflow ? .max : bytes
    }
}

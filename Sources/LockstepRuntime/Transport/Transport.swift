/// How gradients and weights are passed between coordinator and workers. The choice does not change the trained
/// weights.
package enum Transport: String, CaseIterable, Sendable {
    /// In shared memory if both are on one host and can share memory; otherwise in messages.
    case auto
    /// In shared memory; a worker that cannot share memory is refused.
    case shared
    /// In messages.
    case inline
}

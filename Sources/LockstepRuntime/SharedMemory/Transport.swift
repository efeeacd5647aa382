/// How gradients and weights travel between coordinator and workers. The weights that come out are the same.
package enum Transport: String, CaseIterable, Sendable {
    /// In shared memory where both are on one host and it can be had, else in messages.
    case auto
    /// In shared memory; a worker with which none can be shared is refused.
    case shared
    /// In messages.
    case inline
}

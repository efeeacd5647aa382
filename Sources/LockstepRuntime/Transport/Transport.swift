/// How gradients and weights are passed between coordinator and workers. The choice does not change the trained
/// weights.
package enum Transport: String, CaseIterable, Sendable {
    /// In shared memory if both are on one host and can share memory; otherwise in messages.
    case auto
    /// In shared memory; a worker that cannot share memory is refused.
    case shared
    /// The same, announced by messages alone: no process polls a mailbox.
    case sharedSockets = "shared-sockets"
    /// In messages.
    case inline

    /// Whether payload in messages is ruled out.
    var requiresSharedMemory: Bool { self == .shared || self == .sharedSockets }

    /// Whether processes that share memory announce tasks and answers in mailboxes there.
    var usesMailboxes: Bool { self == .auto || self == .shared }
}

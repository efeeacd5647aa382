package import LockstepCluster
package import LockstepSystem

/// How a worker has further processes of its host compute for it.
package struct AggregatorOptions {
    /// The number of these processes, at least 2.
    package var processes: Int
    /// The path of `lockstep`; nil if this process runs it.
    package var executable: String?
    /// Further arguments of their command line.
    package var arguments: [String]
    /// The most restarts of those that die.
    package var maximumRestarts: Int
    /// Handed what the processes print, under their number from 0.
    package var relay: LineRelay
    /// Called with their joins and losses, and how a lost one ended.
    package var notify: (ClusterNotice, _ ending: String?) -> Void

    package init(
        processes: Int, executable: String? = nil, arguments: [String], maximumRestarts: Int, relay: LineRelay,
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void
    ) {
        self.processes = processes
        self.executable = executable
        self.arguments = arguments
        self.maximumRestarts = maximumRestarts
        self.relay = relay
        self.notify = notify
    }
}

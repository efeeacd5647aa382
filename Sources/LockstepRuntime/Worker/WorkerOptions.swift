package import LockstepCluster
package import LockstepCompute
package import LockstepData
package import ZeroMQ

/// What a worker process is told by its command line rather than by the coordinator.
package struct WorkerOptions {
    package var host: String
    package var processID: Int32
    /// A kernel to use in place of the run's.
    package var kernel: MatrixKernel?
    package var transport: Transport
    package var cache: DataCache
    /// Which of the cores that the process may run on it has to itself, counted from 0; nil: none.
    package var core: Int?
    /// How the connection is protected.
    package var security: ConnectionSecurity
    package var notify: (WorkerNotice) -> Void
    /// The last lines of this process's log, the oldest first, for the coordinator of one that fails.
    package var lastLines: () -> [String]
    /// Told, when a worker that took part fails, what happened last, a line for each event.
    package var keepEvents: (_ events: [String]) -> Void

    package init(
        host: String, processID: Int32, kernel: MatrixKernel?, transport: Transport = .auto, cache: DataCache,
        core: Int? = nil, security: ConnectionSecurity = .none, lastLines: @escaping () -> [String] = { [] },
        keepEvents: @escaping (_ events: [String]) -> Void = { _ in }, notify: @escaping (WorkerNotice) -> Void
    ) {
        self.host = host
        self.processID = processID
        self.kernel = kernel
        self.transport = transport
        self.cache = cache
        self.core = core
        self.security = security
        self.lastLines = lastLines
        self.keepEvents = keepEvents
        self.notify = notify
    }

    /// The data set under this digest, if this host has it: one that a script has fetched, or one that a coordinator
    /// has sent before.
    func findDataset(_ description: DatasetDescription) -> Dataset? {
        if let fetched = try? Dataset.load(.named(description.name), cache: cache), fetched.description == description {
            return fetched
        }
        return cache.received(description)
    }

    /// Keeps a data set that the coordinator has sent, for the next run. A cache that cannot be written is no reason
    /// not to train.
    func keep(_ dataset: Dataset) {
        try? cache.store(dataset)
    }
}

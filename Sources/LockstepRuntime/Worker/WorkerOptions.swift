package import LockstepCluster
package import LockstepCompute
package import LockstepData
import LockstepTraining
package import ZeroMQ

/// The settings of a worker process that come from its command line, not from the coordinator.
package struct WorkerOptions {
    package var host: String
    package var processID: Int32
    /// The version that the hello states; of a program with models of its own, with the executable's digest.
    package var programVersion: String
    /// The kernel to use instead of the run's; nil: the run's.
    package var kernel: NumericKernel?
    package var transport: Transport
    package var cache: DataCache
    /// The core that the process keeps to, as an index into the cores on which it may run; nil: all of these cores.
    package var core: Int?
    /// How the connection is protected.
    package var security: ConnectionSecurity
    /// Seconds to wait for the coordinator's first answer.
    package var wait: Double
    /// Whether the process waits for a coordinator that resumes the run when one ends before the run is finished.
    package var endsOnlyWhenFinished: Bool
    package var notify: (WorkerNotice) -> Void
    /// The processes that compute for this worker, and what starts them with a welcome and its data set; nil: this process
    /// computes.
    var aggregation: (processes: Int, make: (Welcome, Dataset) throws -> Aggregator)?
    /// Called, on any thread, with lines that say why the worker waits for its coordinator; nil: it says nothing.
    package var reportWait: (@Sendable (String) -> Void)?
    /// Returns the last lines of this process's log, the oldest first. A worker that fails sends them to its coordinator.
    package var lastLines: () -> [String]
    /// Called with the last events of the worker's machine, one line each, if the worker fails after it has joined a run.
    package var saveEvents: (_ events: [String]) -> Void

    package init(
        host: String, processID: Int32, programVersion: String = LockstepTraining.programVersion,
        kernel: NumericKernel?, transport: Transport = .auto, cache: DataCache,
        core: Int? = nil, security: ConnectionSecurity = .none, lastLines: @escaping () -> [String] = { [] },
        saveEvents: @escaping (_ events: [String]) -> Void = { _ in }, wait: Double = Deadlines().start,
        endsOnlyWhenFinished: Bool = false, reportWait: (@Sendable (String) -> Void)? = nil,
        notify: @escaping (WorkerNotice) -> Void
    ) {
        self.host = host
        self.processID = processID
        self.programVersion = programVersion
        self.kernel = kernel
        self.transport = transport
        self.cache = cache
        self.core = core
        self.security = security
        self.lastLines = lastLines
        self.saveEvents = saveEvents
        self.wait = wait
        self.endsOnlyWhenFinished = endsOnlyWhenFinished
        self.reportWait = reportWait
        self.notify = notify
    }

    /// The data set with this description, if this host has it: a script has downloaded it, or a coordinator has sent
    /// it in an earlier run.
    func findDataset(_ description: DatasetDescription) -> Dataset? {
        if let fetched = try? DataSource.named(description.name).load(cache: cache), fetched.description == description
        {
            return fetched
        }
        return cache.received(description)
    }

    /// Stores a data set that the coordinator has sent in the cache, for the next run. Errors are ignored: the run does not
    /// need the cache.
    func store(_ dataset: Dataset) {
        try? cache.store(dataset)
    }
}

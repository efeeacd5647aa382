package import ZeroMQ

extension Cluster {
    /// Where a coordinator listens and whom it admits.
    package struct Options {
        /// Empty: an ipc endpoint of its own, for workers that it starts itself.
        package var endpoints: [Endpoint]
        package var workers: ClosedRange<Int>
        package var allowsMixedKernels: Bool
        package var transport: Transport
        /// The keys that protect the TCP endpoints, and the keys of the workers that are admitted there. Nil: TCP is
        /// unprotected, and any process may connect.
        package var keys: CoordinatorKeys?
        /// What the processes record about their time; nil: nothing.
        package var timeline: TimelineOptions?
        /// The fraction of the steps in which every node is computed twice and compared.
        package var auditedFraction: Double
        /// How many dead local workers are replaced in a run.
        package var maximumRestarts: Int
        /// The file to write the coordinator's events to; nil: none.
        package var eventRecord: String?
        /// Whether the number of workers that compute is chosen as the run goes on.
        package var tunesWorkerCount: Bool
        /// Whether the workers answer without computing, so that a trial times the coordinator alone. Its weights are
        /// meaningless.
        package var workersAreNoOp: Bool

        package init(
            endpoints: [Endpoint], workers: ClosedRange<Int>, allowsMixedKernels: Bool, transport: Transport = .auto,
            keys: CoordinatorKeys? = nil, timeline: TimelineOptions? = nil, auditedFraction: Double = 0,
            maximumRestarts: Int = 10, eventRecord: String? = nil, tunesWorkerCount: Bool = false,
            workersAreNoOp: Bool = false
        ) {
            self.endpoints = endpoints
            self.workers = workers
            self.allowsMixedKernels = allowsMixedKernels
            self.transport = transport
            self.keys = keys
            self.timeline = timeline
            self.auditedFraction = auditedFraction
            self.maximumRestarts = maximumRestarts
            self.eventRecord = eventRecord
            self.tunesWorkerCount = tunesWorkerCount
            self.workersAreNoOp = workersAreNoOp
        }
    }
}

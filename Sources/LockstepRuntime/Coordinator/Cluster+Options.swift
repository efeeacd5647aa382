package import LockstepTimeline
import LockstepTraining
package import ZeroMQ

extension Cluster {
    /// Where a coordinator listens, which workers it admits, and how it uses them.
    package struct Options {
        /// Where to listen. Empty: at a new ipc endpoint, for workers that the coordinator starts itself.
        package var endpoints: [Endpoint]
        /// The fewest workers that start a run, and the most that it admits.
        package var workers: ClosedRange<Int>
        /// Whether the coordinator admits workers that compute other bits than it does.
        package var allowsMixedKernels: Bool
        package var transport: Transport
        /// The keys that protect the TCP endpoints, and the keys of the workers that may connect there. Nil: TCP is
        /// unprotected, and any process may connect.
        package var keys: CoordinatorKeys?
        /// What the processes record in their timelines; nil: nothing.
        package var timeline: TimelineOptions?
        /// The fraction of the steps that are audited: two workers compute every tree node.
        package var auditedFraction: Double
        /// The most restarts of dead local workers in a run.
        package var maximumRestarts: Int
        /// The path of the file that records the coordinator's events; nil: no record.
        package var eventRecord: String?
        /// Whether the run measures how many workers are fastest, and computes with so many.
        package var tunesWorkerCount: Bool
        /// Whether the workers answer without computing. A trial then times the coordinator alone; its weights are
        /// meaningless.
        package var workersAreNoOp: Bool
        /// The number of coordinators above this one: 0 for the run's own, 1 for an aggregator that it serves.
        package var level: Int
        /// The version that workers must state, with the executable's digest for a model of the program's own.
        package var programVersion: String
        /// The program that local workers run.
        package var workerProgram: WorkerProgram

        package init(
            endpoints: [Endpoint], workers: ClosedRange<Int>, allowsMixedKernels: Bool, transport: Transport = .auto,
            keys: CoordinatorKeys? = nil, timeline: TimelineOptions? = nil, auditedFraction: Double = 0,
            maximumRestarts: Int = 10, eventRecord: String? = nil, tunesWorkerCount: Bool = false,
            workersAreNoOp: Bool = false, level: Int = 0, programVersion: String = LockstepTraining.programVersion,
            workerProgram: WorkerProgram = WorkerProgram()
        ) {
            self.level = level
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
            self.programVersion = programVersion
            self.workerProgram = workerProgram
        }
    }
}

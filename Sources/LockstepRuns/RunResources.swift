package import LockstepData
import LockstepModel
import LockstepSharding
import LockstepSystem
package import LockstepTraining

/// What a run takes from this host, compared with the host's limits before anything starts.
///
/// Libraries abort the process, or try for ever, where the system refuses them descriptors or memory. And a run
/// that fails for lack of memory in its first step has wasted the time until then.
package struct RunResources {
    /// Where a run's work is done.
    package enum Placement: Hashable, Sendable {
        case oneProcess
        /// On so many worker processes of this host.
        case localWorkers(Int)
        /// On so many workers that are started by hand.
        case remoteWorkers(Int)
    }

    /// The host lacks something that the run needs.
    package struct Shortage: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// What the host allows; nil: it sets no limit.
    package struct Limits: Hashable, Sendable {
        package var openFiles: Int?
        package var addressSpace: Int?
        /// Bytes of main memory and swap.
        package var memory: Int?

        package init(openFiles: Int?, addressSpace: Int?, memory: Int?) {
            self.openFiles = openFiles
            self.addressSpace = addressSpace
            self.memory = memory
        }

        /// The limits of this process. The limit of open files is raised first as far as the system allows.
        package static var current: Limits {
            _ = try? Host.raiseDescriptorLimit()
            return Limits(
                openFiles: ResourceLimit.openFiles.value, addressSpace: ResourceLimit.addressSpace.value,
                memory: Host.memoryBytes)
        }
    }

    /// Files that a process has open at once: a run in one process, and coordinator or worker with their sockets and memory
    /// files, without those for each worker.
    private static let filesOfProcess = (alone: 16, inCluster: 40)
    /// Files for a worker that this process starts: its connection, its process, its socket twice and two memory files; and for
    /// any other worker.
    private static let filesOfWorker = (local: 6, remote: 4)
    /// Bytes of the program, its libraries, its threads' stacks and their heaps: of a run in one process, and of a
    /// coordinator or worker, with the threads of libzmq.
    private static let addressSpaceOfProcess = (alone: 448 << 20, inCluster: 672 << 20)

    package let openFiles: Int
    /// Bytes that the largest process maps.
    package let addressSpace: Int
    /// Bytes that the processes of this host fill for certain.
    package let memory: Int

    package init(
        _ configuration: RunConfiguration, _ dataset: DatasetDescription, _ placement: Placement
    ) throws {
        let data = try DatasetLayout(dataset).byteCount
        let workspace = try RunWorkspace(configuration, trainingSamples: dataset.trainingCount)
        let parameters = MemoryLayout<Float>.stride * workspace.layout.count
        let weights = workspace.versions * parameters
        switch placement {
        case .oneProcess:
            openFiles = Self.filesOfProcess.alone
            addressSpace = Self.addressSpaceOfProcess.alone + data + workspace.bytes
            memory = data + weights + parameters
        case .localWorkers(let count):
            // A worker's region holds the gradients of all nodes that it may be given in a step.
            let regions = SummationTree.maximumNodesOfWorker(shards: workspace.schedule.shards) * parameters
            openFiles = Self.withReserve(Self.filesOfProcess.inCluster + Self.filesOfWorker.local * count)
            addressSpace = Self.addressSpaceOfProcess.inCluster + data + workspace.bytes + weights + count * regions
            memory = data + weights + count * parameters
        case .remoteWorkers(let count):
            openFiles = Self.withReserve(Self.filesOfProcess.inCluster + Self.filesOfWorker.remote * count)
            addressSpace = Self.addressSpaceOfProcess.inCluster + data + workspace.bytes + weights
            memory = data + weights + parameters
        }
    }

    /// What several runs take together whose coordinators are this one process.
    package init(together runs: [RunResources]) {
        let program = Self.addressSpaceOfProcess.alone
        openFiles = runs.reduce(0) { $0 + $1.openFiles }
        addressSpace = runs.reduce(program) { $0 + max(0, $1.addressSpace - program) }
        memory = runs.reduce(0) { $0 + $1.memory }
    }

    /// What a worker takes for certain, before it knows its run.
    package static let worker = RunResources(
        openFiles: filesOfProcess.inCluster, addressSpace: addressSpaceOfProcess.inCluster, memory: 0)

    /// A coordinator keeps a quarter of its descriptors, at most 128, for the moment when all others are used up.
    private static func withReserve(_ files: Int) -> Int { files + min(128, (files + 2) / 3) }

    private init(openFiles: Int, addressSpace: Int, memory: Int) {
        self.openFiles = openFiles
        self.addressSpace = addressSpace
        self.memory = memory
    }

    /// - Throws: ``Shortage`` that names the first limit that the run does not fit.
    package func check(_ limits: Limits = .current) throws(Shortage) {
        if let limit = limits.openFiles, openFiles > limit {
            throw Shortage(
                description: "about \(openFiles) open files are needed at once, and the limit is \(limit): raise it "
                    + "(ulimit -n), or start fewer workers")
        }
        if let limit = limits.addressSpace, addressSpace > limit {
            throw Shortage(
                description: "about \(Self.mebibytes(addressSpace)) MiB of address space are needed, and the limit is "
                    + "\(Self.mebibytes(limit)): raise it (ulimit -v)")
        }
        if let limit = limits.memory, memory > limit {
            throw Shortage(
                description: "the run's data set, weights and gradients take at least \(Self.mebibytes(memory)) MiB, "
                    + "and this host has \(Self.mebibytes(limit)) MiB of memory; use smaller layers or fewer workers")
        }
    }

    private static func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
}

import LockstepBLAS
package import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepProtocol
import LockstepSharding
package import LockstepSystem
package import LockstepTraining
package import ZeroMQ

/// A coordinator that listens, and the run that it is to train.
package final class Cluster {
    /// Where a coordinator listens and whom it admits.
    package struct Options {
        /// Empty: an ipc endpoint of its own, for workers that it starts itself.
        package var endpoints: [Endpoint]
        package var workers: ClosedRange<Int>
        package var allowsMixedKernels: Bool

        package init(endpoints: [Endpoint], workers: ClosedRange<Int>, allowsMixedKernels: Bool) {
            self.endpoints = endpoints
            self.workers = workers
            self.allowsMixedKernels = allowsMixedKernels
        }
    }

    private let run: PreparedRun
    private let options: Options
    private let deadlines: Deadlines
    private let context: Context
    private let link: CoordinatorLink
    private let stop: StopSignals
    private var runtimeDirectory: RuntimeDirectory?
    private var localWorkers: LocalWorkers?

    /// Binds the endpoints, so that one in use is found before anything else starts.
    package init(_ run: PreparedRun, _ options: Options, stop: StopSignals) throws {
        self.run = run
        self.options = options
        self.stop = stop
        self.deadlines = Deadlines(
            start: run.configuration.timeouts.start, rejoin: run.configuration.timeouts.rejoin)
        var endpoints = options.endpoints
        if endpoints.isEmpty {
            let directory = try RuntimeDirectory.make()
            endpoints = [.ipc(path: directory.path + "/coordinator")]
            runtimeDirectory = consume directory
        }
        try Host.raiseDescriptorLimit()
        self.context = try Context(Context.Options(isInterrupted: { stop.requested != nil }))
        self.link = try CoordinatorLink(context: context, binding: endpoints, deadlines: deadlines)
    }

    /// What was bound, with the ports that 0 became.
    package var endpoints: [Endpoint] { link.endpoints }

    /// The signal that asked the process to stop, if one has.
    package var stopSignal: Int32? { stop.requested }

    /// Starts workers on this host.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - arguments: More of their command line.
    ///   - log: The path of the log of the worker with this number.
    /// - Throws: `SystemError` if a log cannot be written or a process not started.
    package func startLocalWorkers(_ count: Int, arguments: [String], log: (Int) -> String) throws {
        guard let endpoint = endpoints.first else { return }
        let workers = try LocalWorkers(count: count, endpoint: endpoint, arguments: arguments, log: log)
        // Stopped ones would not notice that the process has ended.
        stop.setCleanup(workers.killAll)
        localWorkers = workers
    }

    /// Waits for the workers, trains, and sends them home.
    package func train(
        observers: [any RunObserver], checkpoints: (any CheckpointStore)? = nil,
        notify: @escaping (ClusterNotice, _ ending: String?) -> Void
    ) throws -> RunOutcome {
        let parameters = try run.initialParameters()
        let source = try makeSource(parameters, notify: notify)
        defer {
            localWorkers?.stop(grace: deadlines.exitGrace)
            // The weights are sent by reference: they must outlive the last message.
            withExtendedLifetime(parameters) { try? context.terminate() }
        }
        do {
            try source.gather()
            let outcome = try run.train(
                with: source, parameters: parameters, observers: observers, checkpoints: checkpoints
            ) {
                [stop] in stop.requested != nil
            }
            try source.finish(
                outcome.interrupted
                    ? Goodbye(code: .stopping, message: "the coordinator was asked to stop")
                    : Goodbye(code: .finished, message: "the run is finished"))
            return outcome
        } catch {
            try? source.finish(Goodbye(code: .failed, message: "\(error)"))
            throw error
        }
    }

    private func makeSource(
        _ parameters: VersionedParameters, notify: @escaping (ClusterNotice, String?) -> Void
    ) throws -> ClusterGradientSource {
        let welcome = Welcome(configuration: run.configuration, dataset: run.dataset.description)
        let computation = try run.makeComputation()
        let terms = CoordinatorMachine.Terms(
            minimumWorkers: options.workers.lowerBound, maximumWorkers: options.workers.upperBound,
            chunks: run.layout.chunks.chunks.count, dataBytes: UInt64(run.dataset.bytes.count),
            programVersion: programVersion,
            expected: Ready(kernel: run.library.kernel, computation.fingerprint()),
            allowsMixedKernels: options.allowsMixedKernels, deadlines: deadlines)
        let supervision = ClusterGradientSource.Supervision(
            notify: { [unowned self] notice in
                var ending: String?
                if case .lost(let member, _, _, _) = notice {
                    ending = localWorkers?.ending(ofProcess: member.processID)
                }
                notify(notice, ending)
            },
            check: { [unowned self] isGathering, activeWorkers in
                if let signal = stop.requested, isGathering || activeWorkers == 0 {
                    throw RunError.interrupted(signal: signal)
                }
                try localWorkers?.check(isGathering: isGathering)
            },
            descriptors: [stop.descriptor])
        return ClusterGradientSource(
            link: link, context: context, terms: terms, welcome: try welcome.encoded(),
            run: UInt32.random(in: 1...UInt32.max), dataset: run.dataset, layout: run.layout, parameters: parameters,
            supervision: supervision)
    }
}

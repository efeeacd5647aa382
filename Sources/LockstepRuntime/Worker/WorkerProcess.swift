import Glibc
import LockstepCluster
import LockstepProtocol
package import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// The main function of a worker process, once its command line is parsed.
package enum WorkerProcess {
    /// Serves a coordinator until the run is over.
    ///
    /// - Parameters:
    ///   - addresses: Where the coordinator listens.
    ///   - options: The options of the command line.
    ///   - aggregation: The processes that compute for this worker; nil: this one computes.
    ///   - stop: The signals that end the process.
    /// - Throws: `WorkerEnding`, ``NoCoordinator`` or the error that ended the worker, unless the run finished;
    ///   `RunError.interrupted` if the worker was told to stop.
    package static func serve(
        _ addresses: CoordinatorAddresses, _ options: WorkerOptions, aggregating aggregation: AggregatorOptions? = nil,
        stop: StopSignals
    ) throws {
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        if case .ipc(let path) = addresses.single, let reason = SocketFile.reasonAgainstConnecting(to: path) {
            throw WorkerEnding.rejected(reason: "ipc://\(path): \(reason)")
        }
        let deadlines = Deadlines(start: options.wait)
        let report = options.reportWait.map { report in
            WaitReport(addresses, hasKeys: options.security.hasKeys, seconds: deadlines.waitReport, report: report)
        }
        report?.begin()
        var options = options
        options.notify = { [notify = options.notify] notice in
            report?.update(with: notice)
            notify(notice)
        }
        // A second thread serves the connection to another host while the first one serves this host's workers.
        let context = try Context(
            Context.Options(ioThreads: aggregation == nil ? 1 : 2, isInterrupted: { stop.requested != nil }))
        if let aggregation {
            // The weights go to memory that it shares with its own workers.
            options.transport = .inline
            let kernel = options.kernel
            options.aggregation = (
                processes: aggregation.processes,
                make: { welcome, dataset in
                    try Aggregator(
                        welcome, dataset: dataset, kernel: kernel, aggregation, context: context, stop: stop)
                }
            )
        }
        guard let rotation = try find(addresses, options, context, deadlines, report, stop) else {
            throw RunError.interrupted(signal: stop.requested ?? SIGTERM)
        }
        let link = try WorkerLink(
            context: context, connectingTo: rotation, security: options.security, deadlines: deadlines)
        let loop = WorkerLoop(
            link: link, context: context, deadlines: deadlines, options: options,
            schedulingPolicy: aggregation == nil ? SchedulingPolicy(core: options.core, now: .now) : nil,
            interruption: stop.descriptor,
            stop: WorkerLoop.StopRequest(
                isMade: { stop.requested != nil }, unlessMade: { body in stop.endingAtOnce(body) != nil }))
        defer {
            link.close()
            // libzmq reads gradients from the loop's buffers until the last message is sent, so the loop must live as long.
            withExtendedLifetime(loop) { try? context.terminate() }
        }
        do {
            try loop.run()
        } catch WorkerEnding.finished {
            return loop.closeAggregator(Goodbye(code: .finished, message: "the run is finished"))
        } catch WorkerEnding.stopped {
            loop.closeAggregator(Goodbye(code: .stopping, message: "this host's worker was asked to stop"))
            throw RunError.interrupted(signal: stop.requested ?? SIGTERM)
        } catch {
            if !(error is WorkerEnding || error is NoCoordinator) { loop.report(error) }
            loop.closeAggregator(Goodbye(code: .failed, message: "\(error)"))
            if loop.hasBeenMember { options.saveEvents(loop.history.lines) }
            throw error
        }
    }

    /// Decides where the link connects: at the only endpoint, or at the one of several that answers.
    ///
    /// - Returns: Nil if the process was told to stop meanwhile.
    private static func find(
        _ addresses: CoordinatorAddresses, _ options: WorkerOptions, _ context: Context, _ deadlines: Deadlines,
        _ report: WaitReport?, _ stop: StopSignals
    ) throws -> EndpointRotation? {
        if let endpoint = addresses.single { return EndpointRotation(endpoint) }
        let search = CoordinatorSearch(
            for: addresses, context: context, security: options.security, deadlines: deadlines)
        // A name server may take its time, and there is nothing to save.
        let found = try stop.endingAtOnce {
            try search.run(isStopped: { stop.requested != nil }, refused: { report?.setRefusals($0) })
        }
        guard let endpoint = found ?? nil else { return nil }
        // After a loss it may come back at another endpoint.
        return EndpointRotation(endpoint, { addresses.endpoints }, mayChange: addresses.hasFiles)
    }
}

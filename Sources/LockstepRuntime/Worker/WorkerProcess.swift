import Glibc
import LockstepCluster
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
    ///   - stop: The signals that end the process.
    /// - Throws: `WorkerEnding`, ``NoCoordinator`` or the error that ended the worker, unless the run finished;
    ///   `RunError.interrupted` if the worker was told to stop.
    package static func serve(_ addresses: CoordinatorAddresses, _ options: WorkerOptions, stop: StopSignals) throws {
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
        let context = try Context(Context.Options(isInterrupted: { stop.requested != nil }))
        guard let rotation = try find(addresses, options, context, deadlines, report, stop) else {
            throw RunError.interrupted(signal: stop.requested ?? SIGTERM)
        }
        let link = try WorkerLink(
            context: context, connectingTo: rotation, security: options.security, deadlines: deadlines)
        let loop = WorkerLoop(
            link: link, context: context, deadlines: deadlines, options: options,
            schedulingPolicy: SchedulingPolicy(core: options.core, now: .now), interruption: stop.descriptor,
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
            return
        } catch WorkerEnding.stopped {
            throw RunError.interrupted(signal: stop.requested ?? SIGTERM)
        } catch {
            if !(error is WorkerEnding || error is NoCoordinator) { loop.report(error) }
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

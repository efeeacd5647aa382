import Glibc
import LockstepCluster
package import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// The main function of a worker process, once its command line is parsed.
package enum WorkerProcess {
    /// Serves a coordinator until the run is over.
    ///
    /// - Parameters:
    ///   - endpoint: Where the coordinator listens.
    ///   - options: The options of the command line.
    ///   - stop: The signals that end the process.
    /// - Throws: `WorkerEnding`, ``NoCoordinator`` or the error that ended the worker, unless the run finished;
    ///   `RunError.interrupted` if the worker was told to stop.
    package static func serve(_ endpoint: Endpoint, _ options: WorkerOptions, stop: StopSignals) throws {
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        if case .ipc(let path) = endpoint, let reason = SocketFile.reasonAgainstConnecting(to: path) {
            throw WorkerEnding.rejected(reason: "\(endpoint): \(reason)")
        }
        let deadlines = Deadlines()
        let context = try Context(Context.Options(isInterrupted: { stop.requested != nil }))
        let link = try WorkerLink(
            context: context, connectingTo: endpoint, security: options.security, deadlines: deadlines)
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
}

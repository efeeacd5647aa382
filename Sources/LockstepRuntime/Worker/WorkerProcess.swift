import LockstepCluster
package import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// A worker process, from its command line on.
package enum WorkerProcess {
    /// Serves a coordinator until the run is over.
    ///
    /// - Parameters:
    ///   - endpoint: Where the coordinator listens.
    ///   - options: What the command line says.
    ///   - stop: The process's signals.
    /// - Throws: How it ended, unless the run simply came to its end.
    package static func serve(_ endpoint: Endpoint, _ options: WorkerOptions, stop: StopSignals) throws {
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        let deadlines = Deadlines()
        let context = try Context(Context.Options(isInterrupted: { stop.requested != nil }))
        let link = try WorkerLink(
            context: context, connectingTo: endpoint, security: options.security, deadlines: deadlines)
        let loop = WorkerLoop(
            link: link, context: context, deadlines: deadlines, options: options,
            courtesy: Courtesy(core: options.core, now: .now), interruption: stop.descriptor,
            shouldStop: { stop.requested != nil })
        defer {
            link.close()
            // Gradients are sent by reference: the loop must outlive the last message.
            withExtendedLifetime(loop) { try? context.terminate() }
        }
        do {
            try loop.run()
        } catch let ending as WorkerEnding where ending == .finished || ending == .stopped {
            return
        } catch {
            if !(error is WorkerEnding) { loop.report(error) }
            if loop.hasBeenMember { options.keepEvents(loop.history.lines) }
            throw error
        }
    }
}

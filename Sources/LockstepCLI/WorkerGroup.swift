import Glibc
import LockstepCluster
import LockstepRuntime
import LockstepSystem
import LockstepTimeline

/// Several worker processes under one command, which replaces those that are killed or crash. They end with it.
struct WorkerGroup {
    let count: Int
    let arguments: [String]
    /// How many dead ones are replaced.
    let maximumRestarts: Int
    let console: Console

    /// Starts them, passes a stop signal on, and waits until all have ended.
    ///
    /// A process that ended by itself had its reasons, which have not gone: only one that a signal ended is replaced.
    ///
    /// - Parameter stop: The process's signals.
    /// - Throws: `UsageError` with the status of a worker that failed; `SystemError` if none can be started.
    func run(stop: StopSignals) throws {
        var restartPolicy = RestartPolicy(
            places: count, limit: maximumRestarts, deadlines: Deadlines(), now: .now)
        var running: [Int: ChildProcess] = [:]
        for place in 0..<count { running[place] = try start(place) }
        var failure: ChildProcess.Exit?
        var (isStopping, isOver) = (false, false)
        while !running.isEmpty || (restartPolicy.nextStart != nil && !isStopping && !isOver) {
            waitForNews(
                of: Array(running.values), stop: isStopping ? nil : stop, until: restartPolicy.nextStart)
            if !isStopping, stop.requested != nil {
                isStopping = true
                for process in running.values { process.send(signal: SIGTERM) }
            }
            for (place, process) in running {
                guard let ending = process.reap() else { continue }
                running[place] = nil
                if ending.isSuccess { isOver = true }
                if case .signalled = ending, !isStopping {
                    let decision = restartPolicy.processEnded(at: place, .died, now: .now)
                    if !announce(decision, place, process, ending) { failure = failure ?? ending }
                } else if !ending.isSuccess {
                    failure = failure ?? ending
                }
            }
            if isStopping { continue }
            for place in restartPolicy.startDue(now: .now) { running[place] = try start(place) }
        }
        if let failure {
            throw UsageError("a worker process ended with \(failure)", status: .unavailable)
        }
    }

    private func start(_ place: Int) throws -> ChildProcess {
        let core = Courtesy.arguments(place: place, of: count)
        return try ChildProcess(ChildProcess.Command(arguments: arguments + core))
    }

    /// Tells what is done about a death; whether anything is.
    private func announce(
        _ decision: RestartPolicy.Decision, _ place: Int, _ process: ChildProcess,
        _ ending: ChildProcess.Exit
    ) -> Bool {
        let notice: ClusterNotice
        switch decision {
        case .restart(let seconds, let count, let limit):
            notice = .replacing(place: place, seconds: seconds, count: count, limit: limit)
        case .exhausted(let limit):
            notice = .notReplaced(place: place, limit: limit)
        case .none:
            return false
        }
        console.warning("pid \(process.processID) ended with \(ending): \(notice.text(ending: nil))")
        if case .restart = decision { return true }
        return false
    }

    private func waitForNews(of processes: [ChildProcess], stop: StopSignals?, until due: Instant?) {
        var items = processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        if let stop { items.append(pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)) }
        let now = Instant.now
        let milliseconds = due.map { due in
            due <= now ? 0 : Int32(clamping: (due.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
        }
        poll(&items, nfds_t(items.count), milliseconds ?? -1)
    }
}

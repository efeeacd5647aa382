import Glibc
import LockstepSystem

/// Several worker processes under one command.
struct WorkerGroup {
    let count: Int
    let arguments: [String]

    /// Starts them, passes a stop signal on, and waits until all have ended.
    ///
    /// - Throws: `UsageError` with the status of a worker that failed.
    func run(stop: StopSignals) throws {
        var running: [ChildProcess] = []
        for _ in 0..<count { running.append(try ChildProcess(ChildProcess.Command(arguments: arguments))) }
        var failure: ChildProcess.Exit?
        var isStopping = false
        while !running.isEmpty {
            waitForNews(of: running, stop: isStopping ? nil : stop)
            if !isStopping, stop.requested != nil {
                isStopping = true
                for process in running { process.send(signal: SIGTERM) }
            }
            running.removeAll { process in
                guard let ending = process.reap() else { return false }
                if !ending.isSuccess { failure = failure ?? ending }
                return true
            }
        }
        if let failure { throw UsageError("a worker process ended with \(failure)", status: .unavailable) }
    }

    private func waitForNews(of processes: [ChildProcess], stop: StopSignals?) {
        var items = processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        if let stop { items.append(pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)) }
        poll(&items, nfds_t(items.count), -1)
    }
}

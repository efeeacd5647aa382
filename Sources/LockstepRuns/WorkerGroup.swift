import Glibc
package import LockstepCluster
import LockstepRuntime
package import LockstepSystem
import LockstepTimeline

/// Several worker processes under one command, which replaces those that are killed or crash. They end with it.
package struct WorkerGroup {
    /// A process has died, and this is done about it.
    package struct Death {
        package let processID: Int32
        package let ending: ChildProcess.Exit
        /// `replacing` or `notReplaced`.
        package let notice: ClusterNotice
    }

    /// A worker process failed and was not replaced.
    package struct Failure: Error, CustomStringConvertible {
        let ending: ChildProcess.Exit

        /// Whether the coordinator has rejected the worker's keys, or the keys are not usable.
        package var isRejection: Bool { ending == .exited(code: 77) }

        package var description: String { "a worker process ended with \(ending)" }
    }

    private let count: Int
    private let executable: String
    private let arguments: (Int) -> [String]
    private let maximumRestarts: Int
    private let deadlines: Deadlines
    private let keyLine: String?
    private let relay: LineRelay?
    private let notify: (Death) -> Void

    /// - Parameters:
    ///   - count: Worker processes.
    ///   - executable: The program that they run: this one, except in tests.
    ///   - arguments: The command line of each by its number, without the program's name.
    ///   - maximumRestarts: How many dead processes are replaced.
    ///   - deadlines: The pauses before that.
    ///   - keyLine: The line that each process reads on its standard input; nil: none.
    ///   - relay: Handed what the processes print, under their number from 0; nil: they print where this process does.
    ///   - notify: Told of processes that have died.
    package init(
        count: Int, executable: String = ChildProcess.Command.thisProgram, arguments: @escaping (Int) -> [String],
        maximumRestarts: Int, deadlines: Deadlines = Deadlines(), keyLine: String? = nil, relay: LineRelay? = nil,
        notify: @escaping (Death) -> Void
    ) {
        self.count = count
        self.executable = executable
        self.arguments = arguments
        self.maximumRestarts = maximumRestarts
        self.deadlines = deadlines
        self.keyLine = keyLine
        self.relay = relay
        self.notify = notify
    }

    /// Starts the processes, passes a stop signal on to them, and waits until all have ended.
    ///
    /// Only a process that a signal killed is replaced: one that ended by itself would end for the same reason again.
    ///
    /// - Parameter stop: The signals of this process.
    /// - Throws: `RunError.interrupted` if this process or all workers were told to stop; ``Failure`` if a worker failed;
    ///   `SystemError` if a process cannot be started.
    package func run(stop: StopSignals) throws {
        var restartPolicy = RestartPolicy(places: count, limit: maximumRestarts, deadlines: deadlines, now: .now)
        var running: [Int: ChildProcess] = [:]
        for place in 0..<count { running[place] = try start(place) }
        var failure: ChildProcess.Exit?
        /// The signal that told a worker to stop.
        var stopSignal: Int32?
        var (isStopping, isOver) = (false, false)
        while !running.isEmpty || (restartPolicy.nextStart != nil && !isStopping && !isOver) {
            let due = Instant.earlier(restartPolicy.nextStart, ServiceManager.current?.nextPing)
            waitForEvents(of: Array(running.values), stop: isStopping ? nil : stop, until: due)
            ServiceManager.current?.ping(now: .now)
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
                    if !report(decision, place, process, ending) { failure = failure ?? ending }
                } else if case .exited(let code) = ending, ending.wasToldToStop {
                    stopSignal = code - 128
                } else if !ending.isSuccess {
                    failure = failure ?? ending
                }
            }
            if isStopping { continue }
            for place in restartPolicy.startDue(now: .now) { running[place] = try start(place) }
        }
        if let signal = stop.requested { throw RunError.interrupted(signal: signal) }
        if let failure { throw Failure(ending: failure) }
        if let stopSignal, !isOver { throw RunError.interrupted(signal: stopSignal) }
    }

    private func start(_ place: Int) throws -> ChildProcess {
        let pipe = try relay?.makePipe(named: "\(place)")
        let output: ChildProcess.Command.Output
        switch pipe {
        case .some(let pipe): output = .file(pipe.number)
        case nil: output = .inherited
        }
        // The options of this process say it all: the variables would say it again.
        let process = try ChildProcess(
            ChildProcess.Command(
                executable: executable,
                arguments: arguments(place) + SchedulingPolicy.arguments(place: place, of: count),
                environment: LocalWorkerEnvironment.removedVariables, output: output))
        if let keyLine { process.send(text: keyLine) }
        return process
    }

    /// Reports a death and the decision about it; returns whether the process will be replaced.
    private func report(
        _ decision: RestartPolicy.Decision, _ place: Int, _ process: ChildProcess, _ ending: ChildProcess.Exit
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
        notify(Death(processID: process.processID, ending: ending, notice: notice))
        if case .restart = decision { return true }
        return false
    }

    private func waitForEvents(of processes: [ChildProcess], stop: StopSignals?, until due: Instant?) {
        var items = processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        if let stop { items.append(pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)) }
        let now = Instant.now
        let milliseconds = due.map { due in
            due <= now ? 0 : Int32(clamping: (due.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
        }
        poll(&items, nfds_t(items.count), milliseconds ?? -1)
    }
}

import CLinux
import Glibc

/// A process that this one started, and that does not outlive this object: letting go of it kills and reaps it.
///
/// Its standard input is the other end of `lifeline`, unless its command says otherwise. Every file but that and its
/// output is closed in it.
package final class ChildProcess: Sendable {
    /// What to start and how.
    package struct Command: Sendable {
        /// Where standard output and standard error go.
        package enum Output: Equatable, Sendable {
            /// Where this process's go.
            case inherited
            /// Both into an open file, which stays the caller's.
            case file(Int32)
            /// Each into an open file of its own.
            case files(output: Int32, errors: Int32)
        }

        /// What it reads.
        package enum Input: Equatable, Sendable {
            /// Its end of the lifeline.
            case lifeline
            /// Nothing: it is as one that somebody has started by hand, and does not know whose child it is. The lifeline
            /// has ended from the start.
            case nothing
        }

        /// The program that runs now, even when its file has been replaced since.
        package static let thisProgram = "/proc/self/exe"

        /// The program's path.
        package var executable: String
        /// The program's arguments, without its own name.
        package var arguments: [String]
        /// Variables added to this process's environment, or replacing some of it; nil removes one.
        package var environment: [String: String?]
        package var input: Input
        package var output: Output
        /// Nil: this process's.
        package var workingDirectory: String?

        package init(
            executable: String = thisProgram, arguments: [String], environment: [String: String?] = [:],
            input: Input = .lifeline, output: Output = .inherited, workingDirectory: String? = nil
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.input = input
            self.output = output
            self.workingDirectory = workingDirectory
        }
    }

    /// How a process ended.
    package enum Exit: Equatable, Sendable {
        /// By itself, with this status: 0 means success.
        case exited(code: Int32)
        /// By this signal.
        case signalled(Int32)
    }

    package let processID: Int32
    private let lifelineEnd: FileDescriptor
    private let processDescriptor: FileDescriptor
    /// Nil until the process has been reaped. Its number means this process, and no later one, only until then.
    private let exit = Locked<Exit?>(nil)

    /// Starts a process. Throws what kept it from starting, such as a missing program.
    package init(_ command: Command) throws(SystemError) {
        let (lifelineEnd, childEnd) = try makeLifeline()
        defer { close(childEnd) }
        let parentEnd = FileDescriptor(owning: lifelineEnd)
        let process = try spawn(command, lifeline: childEnd)
        let descriptor = linux_pidfd_open(process)
        guard descriptor >= 0 else {
            let error = SystemError.last("watch a process", path: command.executable)
            killAndReap(process)
            throw error
        }
        self.processID = process
        self.lifelineEnd = parentEnd
        self.processDescriptor = FileDescriptor(owning: descriptor)
    }

    deinit {
        if exit.withLock({ $0 == nil }) { killAndReap(processID) }
    }

    /// This end of the connection to the process: it ends when the process does, or closes its standard input.
    package var lifeline: Lifeline { Lifeline(descriptor: lifelineEnd.number) }

    /// Readable once the process has ended.
    package var descriptor: Int32 { processDescriptor.number }

    /// Ends the lifeline, as this process's own death would: the child's way to see that it is not needed any more.
    package func closeLifeline() {
        shutdown(lifelineEnd.number, Int32(SHUT_RDWR))
    }

    /// How the process ended, or nil while it runs. Does not wait.
    package func reap() -> Exit? {
        exit.withLock { exit in
            if exit == nil { exit = waitForProcess(processID, WNOHANG) }
            return exit
        }
    }

    /// Waits for the end, until the deadline: nil when the process is still running then.
    package func wait(until deadline: Deadline) -> Exit? {
        while true {
            if let exit = reap() { return exit }
            let now = MonotonicClock.now
            guard !deadline.hasPassed(at: now) else { return nil }
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, deadline.remainingMilliseconds(at: now))
        }
    }

    /// Sends a signal to the process and to those that it started in turn. Does nothing once it has been reaped.
    package func send(signal: Int32) {
        exit.withLock { exit in
            if exit == nil { kill(-processID, signal) }
        }
    }

    /// Asks the process to end, and after `grace` makes it. Waits for the end.
    @discardableResult
    package func terminate(grace: Duration) -> Exit {
        send(signal: SIGTERM)
        // A stopped process would take no notice.
        send(signal: SIGCONT)
        if let exit = wait(until: .after(grace)) { return exit }
        send(signal: SIGKILL)
        return wait(until: .never) ?? .signalled(SIGKILL)
    }
}

extension ChildProcess.Exit: CustomStringConvertible {
    /// Such as `exit status 1` or `signal 9 (Killed)`.
    package var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }

    package var isSuccess: Bool { self == .exited(code: 0) }
}

/// waitid(2) for the end of one process: nil while it runs, where the options say not to wait.
private func waitForProcess(_ process: pid_t, _ options: Int32) -> ChildProcess.Exit? {
    var info = siginfo_t()
    while waitid(P_PID, id_t(process), &info, WEXITED | options) != 0 {
        // Somebody else reaped it: it has ended, and nobody knows how.
        if errno != EINTR { return .exited(code: 255) }
    }
    guard info.si_signo == SIGCHLD else { return nil }
    let status = info._sifields._sigchld.si_status
    return info.si_code == CLD_EXITED ? .exited(code: status) : .signalled(status)
}

private func killAndReap(_ process: pid_t) {
    kill(-process, SIGKILL)
    _ = waitForProcess(process, 0)
}

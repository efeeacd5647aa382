import CLinux
import Glibc
package import LockstepTimeline

/// A child process. It does not outlive this object: the deinitializer kills and reaps it.
///
/// The child's standard input is the other end of ``socket``, unless its command says otherwise. It inherits no open
/// file except its standard input, output and error.
package final class ChildProcess: Sendable {
    /// The program to start, and how to start it.
    package struct Command: Sendable {
        /// The destination of standard output and standard error.
        package enum Output: Equatable, Sendable {
            /// The same as this process's.
            case inherited
            /// An open file for both. The caller keeps it and closes it.
            case file(Int32)
            /// One open file for each.
            case files(output: Int32, errors: Int32)
        }

        /// The child's standard input.
        package enum Input: Equatable, Sendable {
            /// Its end of the socket pair with this process.
            case parentSocket
            /// /dev/null, as for a process that was started by hand: it does not know its parent.
            /// ``ChildProcess/socket`` has ended from the start.
            case nothing
        }

        /// The program of this process: even if its file has been replaced since it started, where there is a /proc.
        package static var thisProgram: String {
            let link = "/proc/self/exe"
            return access(link, X_OK) == 0 ? link : (try? Host.executablePath) ?? link
        }

        /// The program's path.
        package var executable: String
        /// The program's arguments, without its own name.
        package var arguments: [String]
        /// Changes to this process's environment: a value adds or replaces the variable, nil removes it.
        package var environment: [String: String?]
        package var input: Input
        package var output: Output
        /// Nil: the working directory of this process.
        package var workingDirectory: String?

        package init(
            executable: String = thisProgram, arguments: [String], environment: [String: String?] = [:],
            input: Input = .parentSocket, output: Output = .inherited, workingDirectory: String? = nil
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
        /// The process exited with this status; 0 means success.
        case exited(code: Int32)
        /// This signal ended the process.
        case signalled(Int32)
    }

    package let processID: Int32
    private let parentEnd: FileDescriptor
    private let processDescriptor: FileDescriptor
    /// Nil until the process has been reaped. After that, the kernel may give its number to another process.
    private let exit = Locked<Exit?>(nil)

    /// Starts a process.
    ///
    /// - Throws: `SystemError` if it cannot be started: the program is missing, for example.
    package init(_ command: Command) throws(SystemError) {
        let (parentNumber, childEnd) = try makeSocketPair()
        defer { close(childEnd) }
        let parentEnd = FileDescriptor(owning: parentNumber)
        let process = try spawn(command, socket: childEnd)
        let descriptor = linux_pidfd_open(process)
        guard descriptor >= 0 else {
            let error = SystemError.last("watch a process", path: command.executable)
            killAndReap(process)
            throw error
        }
        self.processID = process
        self.parentEnd = parentEnd
        self.processDescriptor = FileDescriptor(owning: descriptor)
    }

    deinit {
        if exit.withLock({ $0 == nil }) { killAndReap(processID) }
    }

    /// This process's end of the socket pair. It ends when the child exits or closes its standard input.
    package var socket: ParentChildSocket { ParentChildSocket(descriptor: parentEnd.number) }

    /// Readable once the process has ended.
    package var descriptor: Int32 { processDescriptor.number }

    /// Sends a short text that the child reads on its standard input. No effect if the child has ended: its end says more.
    package func send(text: String) {
        let bytes = Array(text.utf8)
        _ = retryingInterrupts { Glibc.send(parentEnd.number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Closes the socket pair, as the death of this process would: the child sees that it is no longer needed.
    package func closeSocket() {
        shutdown(parentEnd.number, Int32(SHUT_RDWR))
    }

    /// How the process ended; nil while it runs. Does not wait.
    package func reap() -> Exit? {
        exit.withLock { exit in
            if exit == nil { exit = waitForProcess(processID, WNOHANG) }
            return exit
        }
    }

    /// Waits for the process to end. Returns nil if it is still running at the deadline.
    package func wait(until deadline: Deadline) -> Exit? {
        while true {
            if let exit = reap() { return exit }
            let now = Instant.now
            guard !deadline.hasPassed(at: now) else { return nil }
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, deadline.remainingMilliseconds(at: now))
        }
    }

    /// Sends a signal to the process group: the process and the processes that it has started. Does nothing after the
    /// process has been reaped.
    package func send(signal: Int32) {
        exit.withLock { exit in
            if exit == nil { kill(-processID, signal) }
        }
    }

    /// Sends SIGTERM, and SIGKILL if the process still runs after `grace`. Waits for the process to end.
    @discardableResult
    package func terminate(grace: Duration) -> Exit {
        send(signal: SIGTERM)
        // A stopped process handles SIGTERM only after it continues.
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

    /// Whether the process exited with status 0.
    package var isSuccess: Bool { self == .exited(code: 0) }

    /// Whether the process says that a signal told it to stop: it exited with 128 + the signal's number.
    package var wasToldToStop: Bool {
        if case .exited(let code) = self { return (129...192).contains(code) }
        return false
    }
}

/// Waits for one process to end: waitid(2). With WNOHANG, returns nil while the process runs.
private func waitForProcess(_ process: pid_t, _ options: Int32) -> ChildProcess.Exit? {
    var info = siginfo_t()
    guard retryingInterrupts({ waitid(P_PID, id_t(process), &info, WEXITED | options) }) == 0 else {
        // Another part of this program has reaped it: its status is lost.
        return .exited(code: 255)
    }
    guard info.si_signo == SIGCHLD else { return nil }
    let status = info._sifields._sigchld.si_status
    return info.si_code == CLD_EXITED ? .exited(code: status) : .signalled(status)
}

private func killAndReap(_ process: pid_t) {
    kill(-process, SIGKILL)
    _ = waitForProcess(process, 0)
}

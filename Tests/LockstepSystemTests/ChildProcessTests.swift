import Glibc
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

@Suite("Child process")
struct ChildProcessTests {
    /// A shell, which is on every system.
    private func shell(_ script: String, output: ChildProcess.Command.Output = .inherited) throws -> ChildProcess {
        try ChildProcess(
            ChildProcess.Command(
                executable: "/bin/sh", arguments: ["-c", script], environment: ["GREETING": "hello"], output: output))
    }

    @Test("The exit says whether the process exited by itself or was ended by a signal")
    func endings() throws {
        #expect(try shell("exit 0").wait(until: .never) == .exited(code: 0))
        #expect(try shell("exit 7").wait(until: .never) == .exited(code: 7))
        let killed = try shell("kill -9 $$").wait(until: .never)
        #expect(killed == .signalled(SIGKILL))
        #expect(killed?.description == "signal 9 (Killed)")
        #expect(ChildProcess.Exit.exited(code: 7).description == "exit status 7")
    }

    @Test("The exit stays known, and signals after it reach no process")
    func afterwards() throws {
        let process = try shell("exit 3")
        #expect(process.wait(until: .never) == .exited(code: 3))
        process.send(signal: SIGKILL)
        #expect(process.reap() == .exited(code: 3))
        #expect(process.terminate(grace: .seconds(10)) == .exited(code: 3))
    }

    @Test("The child gets the environment, its output and no other open file")
    func environment() throws {
        let folder = try TemporaryFolder()
        let file = open(folder("output"), O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        let leaky = open("/dev/null", O_RDONLY)
        defer { close(leaky) }
        let process = try shell("echo $GREETING; echo to errors >&2; ls /proc/$$/fd", output: .file(file))
        #expect(process.wait(until: .never) == .exited(code: 0))
        let lines = try text(of: folder("output")).split(separator: "\n")
        #expect(lines.prefix(2) == ["hello", "to errors"])
        #expect(lines.dropFirst(2).allSatisfy { Int($0) ?? 9 <= 3 })
    }

    @Test("A child without input has no parent socket; its folder, outputs and variables are the given ones")
    func byHand() throws {
        let folder = try TemporaryFolder()
        let files = ["output", "errors"].map { open(folder($0), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        defer { for file in files { close(file) } }
        let script = "cat; pwd; echo ${LOCKSTEP_PARENT_SOCKET-none} ${HOME-none} $GREETING; echo to errors >&2"
        let process = try ChildProcess(
            ChildProcess.Command(
                executable: "/bin/sh", arguments: ["-c", script], environment: ["GREETING": "hello", "HOME": nil],
                input: .nothing, output: .files(output: files[0], errors: files[1]), workingDirectory: folder.path))
        #expect(process.wait(until: .never) == .exited(code: 0))
        let lines = try text(of: folder("output")).split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasSuffix(folder.path) && lines[1] == "none none hello", "\(lines)")
        #expect(try text(of: folder("errors")) == "to errors\n")
    }

    @Test("The child leads a process group, and a signal reaches the whole group")
    func group() throws {
        let folder = try TemporaryFolder()
        let process = try shell("sleep 1000 & echo $! > \(folder("child")); wait")
        var child: Int32?
        while child == nil { child = Int32((try? text(of: folder("child")))?.dropLast() ?? "") }
        #expect(getpgid(child ?? 0) == process.processID)
        process.send(signal: SIGKILL)
        #expect(process.wait(until: .never) == .signalled(SIGKILL))
        // Another process reaps the grandchild, but it ends.
        while child.map({ !ProcessTable.arguments(of: $0).isEmpty }) == true { sched_yield() }
    }

    @Test("Termination is requested, and forced after the grace period; a stopped process is continued first")
    func termination() throws {
        #expect(try shell("exec sleep 1000").terminate(grace: .seconds(60)) == .signalled(SIGTERM))
        let stubborn = try shell("trap '' TERM; echo > /dev/null; while :; do sleep 0.01; done")
        // The shell may not have set the trap yet: it ends either way.
        #expect([.signalled(SIGTERM), .signalled(SIGKILL)].contains(stubborn.terminate(grace: .milliseconds(200))))
        let stopped = try shell("exec sleep 1000")
        kill(stopped.processID, SIGSTOP)
        #expect(stopped.terminate(grace: .seconds(60)) == .signalled(SIGTERM))
    }

    @Test("The deinitializer kills the process")
    func deinitializer() throws {
        var process: ChildProcess? = try shell("exec sleep 1000")
        let number = process?.processID ?? 0
        process = nil
        #expect(kill(number, 0) == -1)
    }

    @Test("A missing program is an error that names it")
    func missing() {
        let error = #expect(throws: SystemError.self) {
            try ChildProcess(ChildProcess.Command(executable: "/no/such/program", arguments: []))
        }
        #expect(error?.code == ENOENT)
        #expect(error.map { "\($0)".contains("/no/such/program") } == true)
    }

    @Test("The socket ends with the process, and the process sees it end")
    func socketEnd() throws {
        let short = try shell("exit 0")
        let socket = short.socket
        _ = short.wait(until: .never)
        // Another process that is being started may hold a copy of the other end for a moment.
        let deadline = Deadline.after(.seconds(30))
        while !socket.hasEnded, !deadline.hasPassed(at: Instant.now) { usleep(1_000) }
        withExtendedLifetime(short) { #expect(socket.hasEnded) }

        let reader = try shell("cat > /dev/null; exit 5")
        #expect(!reader.socket.hasEnded)
        reader.closeSocket()
        #expect(reader.wait(until: .never) == .exited(code: 5))
    }

    @Test("A process that was given no parent socket finds none, whatever its standard input is")
    func noSocket() {
        #expect(ParentChildSocket.standardInput == nil)
    }
}

import LockstepCluster
import LockstepSystem
import LockstepTesting
import Testing

@testable import LockstepLaunch

@Suite("The command line of ssh")
struct SSHCommandTests {
    private let host = HostEntry(name: "n01", processes: 3)

    @Test("A host's workers connect to what ssh came from, and to this host's addresses")
    func network() {
        let command = SSHCommand(configuration: "my config", remote: "lockstep", workerArguments: ["--wait", "30"])
        let arguments = command.arguments(
            for: host, over: .network(endpoints: ["tcp://@ssh:5555", "tcp://[fd00::1]:5555"]), deadlines: Deadlines())
        #expect(arguments.starts(with: ["-F", "my config", "-o", "BatchMode=yes"]))
        #expect(
            arguments.suffix(3) == [
                "n01", "--",
                "exec lockstep worker --connect 'tcp://@ssh:5555,tcp://[fd00::1]:5555' --keys - --processes 3 --wait 30",
            ])
        #expect(arguments.contains("ConnectTimeout=30") && arguments.contains("ServerAliveInterval=5"))
    }

    @Test("In a tunnel they connect to a socket that sshd makes")
    func tunnel() {
        let command = SSHCommand(configuration: nil, remote: "~/bin/lockstep", workerArguments: [])
        let arguments = command.arguments(
            for: host, over: .tunnel(remote: "/tmp/x-1", local: "/run/c"), deadlines: Deadlines())
        #expect(arguments.contains("/tmp/x-1:/run/c") && arguments.contains("ExitOnForwardFailure=yes"))
        #expect(
            arguments.last
                == "exec ~/bin/lockstep worker --connect ipc:///tmp/x-1 --removes-socket --keys - --processes 3")
    }

    @Test(
        "A shell reads every word back as it was",
        arguments: ["a b", "it's", "$(x)", "", "a;b", "[x]", "*", "\\", "a\nb"])
    func quoted(word: String) throws {
        let result = try Program.run(
            ["-c", "printf %s \(SSHCommand.quoted(word))"], executable: "/bin/sh", in: "/")
        #expect(result.output == word)
    }
}

@Suite("Why a host takes no part")
struct HostFailureTests {
    private func text(_ ending: ChildProcess.Exit, _ lines: String...) -> String {
        HostFailure(host: "n01", ending: ending, lines: lines, remote: "lockstep", version: "1.2").description
    }

    @Test("Failures of ssh are named with their remedy")
    func connection() {
        #expect(
            text(.exited(code: 255), "Host key verification failed.")
                == "n01: its host key is not known here: connect once by hand: ssh n01")
        #expect(
            text(
                .exited(code: 255), "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @",
                "Host key verification failed."
            )
            .hasPrefix("n01: its host key has changed"))
        #expect(
            text(.exited(code: 255), "banner", "root@n01: Permission denied (publickey).")
                == "n01: ssh needs a key that works without questions (root@n01: Permission denied (publickey).): "
                + "ssh-copy-id n01, or ssh-add")
        #expect(
            text(.exited(code: 255), "ssh: Could not resolve hostname n01: Name or service not known")
                .contains("check the name"))
        #expect(
            text(.exited(code: 255), "ssh: connect to host n01 port 22: Connection refused").contains(
                "does sshd listen"))
        #expect(text(.exited(code: 255)).contains("try ssh n01"))
    }

    @Test("Failures of the program there are told apart by its exit status")
    func program() {
        #expect(
            text(.exited(code: 127), "sh: 1: exec: lockstep: not found")
                == "n01: there is no program lockstep there that can run (sh: 1: exec: lockstep: not found): install "
                + "lockstep 1.2, or name its path with --remote PATH")
        #expect(text(.exited(code: 64), "lockstep: unknown option '--keys'").contains("install lockstep 1.2"))
        #expect(
            text(.exited(code: 69), "lockstep: no coordinator answered at tcp://x:1 within 30 s").contains("--tunnel"))
        #expect(
            text(.exited(code: 69), "lockstep: the coordinator refused this worker: another version")
                == "n01: its workers ended with exit status 69: lockstep: the coordinator refused this worker: another version"
        )
        #expect(text(.signalled(9)).hasPrefix("n01: ssh ended with signal 9"))
    }
}

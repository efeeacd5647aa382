import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import Testing

/// Runs under limits and in environments that leave a process little: it works, or says in one line what is missing.
@Suite("Limits and environments", .serialized, .oneAtATime)
struct LimitTests {
    private let place: Workplace

    init() throws { place = try Workplace(epochs: 1) }

    /// Runs `lockstep` to its end after a shell command that sets limits.
    private func run(
        after setup: String, _ arguments: [String], environment: [String: String?] = [:]
    ) throws -> FinishedProcess {
        try Program.run(
            ["-c", "\(setup)\nexec \"$0\" \"$@\"", Program.path] + arguments, executable: "/bin/bash",
            environment: environment, in: place.folder.path, limit: .seconds(60))
    }

    private func train(_ options: [String], output: String) -> [String] {
        ["train", place.configuration, "--output", output, "--kernel", "portable"] + options
    }

    /// Expects one line on standard error that contains these words, besides what a worker says when it begins to wait.
    private func expectLine(_ ending: FinishedProcess, status: Int32, _ words: String) {
        let lines = ending.errorLines.filter { !$0.hasPrefix("Connecting to ") }
        #expect(ending.status == status && lines.count == 1, "\(ending)")
        #expect(ending.errors.contains(words), "\(ending)")
    }

    @Test("Too little address space is one line, for a run in one process, with workers, and for a worker")
    func addressSpace() throws {
        let output = place.output()
        expectLine(
            try run(after: "ulimit -v 200000", train([], output: output)), status: 71,
            "of address space are needed, and the limit")
        expectLine(
            try run(after: "ulimit -v 200000", train(["--workers", "2"], output: output)), status: 71,
            "of address space are needed, and the limit")
        #expect(access(output, F_OK) != 0)
        expectLine(
            try run(after: "ulimit -v 200000", ["worker", "--connect", "ipc:///tmp/none"]), status: 71, "address space")
    }

    @Test("Too few open files are one line before any process is started")
    func openFiles() throws {
        let output = place.output()
        expectLine(
            try run(after: "ulimit -n 50", train(["--workers", "2"], output: output)), status: 71,
            "about 70 open files are needed at once, and the limit is 50")
        expectLine(
            try run(
                after: "ulimit -n 50",
                ["coordinator", place.configuration, "--bind", "ipc://\(place.folder("s"))", "--workers", "1:9"]),
            status: 71, "open files are needed at once, and the limit is 50")
        expectLine(
            try run(after: "ulimit -n 20", ["worker", "--connect", "ipc://\(place.folder("s"))"]), status: 71,
            "open files are needed at once, and the limit is 20")
        // The soft limit is raised.
        let raised = try run(after: "ulimit -Sn 20", train(["--workers", "2"], output: output))
        #expect(raised.status == 0, "\(raised)")
    }

    @Test("A bench is compared with the limits too, all of its settings together")
    func bench() throws {
        let command = ["bench", place.configuration, "--workers", "1,2", "--steps", "12"]
        expectLine(
            try run(after: "ulimit -v 200000", command), status: 71, "of address space are needed, and the limit")
        expectLine(
            try run(after: "ulimit -n 100", command), status: 71,
            "about 148 open files are needed at once, and the limit is 100")
        expectLine(
            try run(after: "ulimit -n 100", command + ["--fan-in"]), status: 71, "open files are needed at once")
    }

    @Test("Too few threads are one line", .enabled(if: getuid() == 0, "needs root"), arguments: [1, 2, 3])
    func threads(limit: Int) throws {
        chmod(place.folder.path, 0o777)
        let ending = try Program.run(
            [
                "--nproc=\(limit)", "setpriv", "--reuid=65534", "--clear-groups", Program.path,
            ] + train(["--workers", "2"], output: place.output()), executable: "/usr/bin/prlimit",
            environment: ["HOME": place.folder.path], in: place.folder.path)
        expectLine(ending, status: 71, "ulimit -u")
    }

    @Test("More workers than the mini-batch has samples are refused, not started")
    func oversubscribed() throws {
        expectLine(
            try run(after: ":", train(["--workers", "1000", "--batch", "8"], output: place.output())), status: 64,
            "--workers 1000: a mini-batch of 8 samples has work for 8 at most")
        expectLine(
            try run(after: ":", ["worker", "--connect", "ipc:///tmp/none", "--processes", "1000"]), status: 64,
            "or give --oversubscribe")
    }

    @Test(
        "A run with closed descriptors, without a home, or with a small limit for files leaves whole results or a line")
    func environments() throws {
        let hash = try place.weights(["--shards", "2", "--kernel", "portable"])
        let (closed, homeless) = (place.output(), place.output())
        let options = ["--workers", "2"]
        let without = try run(after: "exec <&- >&- 2>&-", train(options, output: closed))
        #expect(without.status == 0, "\(without)")
        #expect(try RunSummary(run: closed).weightsSHA256 == hash)
        for line in try text(of: "\(closed)/metrics.jsonl").split(separator: "\n") {
            #expect(line.hasPrefix("{") && line.hasSuffix("}"), "\(line)")
        }
        let home: [String: String?] = ["HOME": nil, "LOCKSTEP_CACHE": nil, "XDG_RUNTIME_DIR": nil]
        let stranger = try run(after: ":", train(options, output: homeless), environment: home)
        #expect(stranger.status == 0, "\(stranger)")
        #expect(try RunSummary(run: homeless).weightsSHA256 == hash)
    }

    @Test("Files and folders with names that are not UTF-8 are used as given, byte for byte")
    func names() throws {
        let hash = try place.weights(["--shards", "2", "--kernel", "portable", "--epochs", "2"])
        let setup = """
            mkdir $'caf\\xe9' && mv data $'caf\\xe9/d\\xe4ten' && mv tiny.yaml $'caf\\xe9/t\\xfcny.yaml'
            sed -i $'s,: data/,: caf\\xe9/d\\xe4ten/,' $'caf\\xe9/t\\xfcny.yaml'
            export LOCKSTEP_CACHE=$PWD/$'caf\\xe9/cach\\xe9' TMPDIR=$PWD/$'caf\\xe9'
            shopt -s nullglob
            # What runs leave behind has the bytes that were given: $1 is the program.
            $1 train $'caf\\xe9/t\\xfcny.yaml' --output $'caf\\xe9/r\\xfcn' --kernel portable --workers 2 --quiet &&
            grep -q $'d\\xe4ten' $'caf\\xe9/r\\xfcn/config.yaml' &&
            $1 train $'caf\\xe9/t\\xfcny.yaml' --output $'caf\\xe9/r\\xfcn' --kernel portable --resume --epochs 2 --quiet &&
            $1 evaluate $'caf\\xe9/r\\xfcn/model.safetensors' --data $'caf\\xe9/t\\xfcny.yaml' &&
            $1 export $'caf\\xe9/r\\xfcn/model.safetensors' --format npz --output $'\\xff.npz' &&
            ls $'\\xff.npz' $'caf\\xe9/r\\xfcn/summary.json' >/dev/null &&
            test -z "$(find . -name $'*\\xef\\x9f*' -o -name $'*\\xef\\xbf\\xbd*')" || exit 1
            set -- train $'caf\\xe9/m\\xffssing.yaml'
            """
        let ending = try run(after: setup, [Program.path])
        expectLine(ending, status: 66, "caf\\xE9/m\\xFFssing.yaml: no such file")
        let summary = try Program.run(
            ["-c", "cat $'caf\\xe9/r\\xfcn/summary.json'"], executable: "/bin/bash", in: place.folder.path)
        #expect(summary.output.contains(hash), "\(summary)")
    }

    @Test("A run works without /proc", .enabled(if: getuid() == 0, "needs root"))
    func withoutProc() throws {
        let output = place.output()
        let ending = try Program.run(
            ["--mount", "/bin/bash", "-c", "umount -l /proc && exec \"$0\" \"$@\"", Program.path]
                + train(["--workers", "2"], output: output), executable: "/usr/bin/unshare", in: place.folder.path)
        #expect(ending.status == 0, "\(ending)")
        #expect(
            try RunSummary(run: output).weightsSHA256 == place.weights(["--shards", "2", "--kernel", "portable"]))
    }

    @Test("Another user's socket is named, at once", .enabled(if: getuid() == 0, "needs root"))
    func foreignSocket() throws {
        let coordinator = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", "ipc://\(place.folder("s"))", "--workers", "1",
                "--output", place.output(),
            ], in: place.folder.path)
        let endpoint = try coordinator.listeningEndpoint()
        chmod(place.folder.path, 0o755)
        chmod(place.folder("s"), 0o755)
        for command in [["worker", "--connect", endpoint], ["status", endpoint]] {
            let ending = try Program.run(
                ["--reuid=65534", "--clear-groups", Program.path] + command, executable: "/usr/bin/setpriv",
                environment: ["LOCKSTEP_CACHE": place.folder("cache")], in: "/")
            expectLine(ending, status: 77, "the socket belongs to user 0")
        }
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test(
        "Another user's socket is named by a worker that has begun to wait before",
        .enabled(if: getuid() == 0, "needs root"))
    func laterSocket() throws {
        chmod(place.folder.path, 0o755)
        let endpoint = "ipc://\(place.folder("s"))"
        let worker = try RunningProcess(
            ["--reuid=65534", "--clear-groups", Program.path, "worker", "--connect", endpoint],
            executable: "/usr/bin/setpriv", environment: ["LOCKSTEP_CACHE": place.folder("cache")], in: "/")
        // The first attempts find no file.
        usleep(500_000)
        let coordinator = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", endpoint, "--workers", "1", "--output", place.output(),
            ], in: place.folder.path)
        _ = try coordinator.listeningEndpoint()
        chmod(place.folder("s"), 0o755)
        expectLine(try worker.wait(), status: 77, "the socket belongs to user 0")
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("An output layer of more than 65,536 neurons gives the same weights with workers as without")
    func wideOutput() throws {
        let options = ["--set", "network.sizes=[36,2,70000]", "--batch", "250", "--kernel", "portable"]
        let hash = try place.weights(options + ["--shards", "2"])
        for transport in ["shared", "inline"] {
            #expect(try place.weights(options + ["--workers", "2", "--transport", transport]) == hash)
        }
    }
}

import Glibc
import LockstepTesting
import Testing

/// The helpers of all process tests.
@Suite("The process harness", .serialized, .oneAtATime)
struct ProcessHarnessTests {
    @Test("A program that ends by itself gives its status and both outputs")
    func ending() throws {
        let version = try Program.run(["--version"])
        #expect(version.status == 0)
        #expect(version.output.split(separator: ".").count == 3)
        #expect(version.errors.isEmpty)

        let wrong = try Program.run(["no-such-command"])
        #expect(wrong.status == 64)
        #expect(wrong.output.isEmpty)
        #expect(!wrong.errors.isEmpty)
    }

    @Test("A running program can be waited for and signalled; its workers are found and end with it")
    func background() throws {
        let folder = try Workplace(epochs: 1_000_000).folder
        let run = try RunningProcess(["train", folder("tiny.yaml"), "--workers", "2"], in: folder.path)
        try run.waitForLine(containing: "Epoch 0")
        #expect(run.workers.count == 2)
        run.send(signal: SIGTERM)
        #expect(try run.wait().status == 143)
        #expect(run.orphans().isEmpty)
    }

    @Test("The deinitializer kills a program and its descendants")
    func deinitializer() throws {
        let folder = try Workplace(epochs: 1_000_000).folder
        var run: RunningProcess? = try RunningProcess(
            ["train", folder("tiny.yaml"), "--workers", "2"], in: folder.path)
        try run?.waitForLine(containing: "Epoch 0")
        let processes = (run?.descendants ?? []) + [run?.processID ?? 0]
        #expect(processes.count == 3)
        run = nil
        for process in processes { #expect(ProcessTable.arguments(of: process).isEmpty) }
    }

    @Test("Waiting for a line that never comes fails with the whole output")
    func failure() throws {
        let failure = #expect(throws: RunningProcess.Failure.self) {
            try RunningProcess(["--version"]).waitForLine(containing: "no such line")
        }
        #expect(failure?.description.contains("without saying \"no such line\"\n0.") == true)
    }
}

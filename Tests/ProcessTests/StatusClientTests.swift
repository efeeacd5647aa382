import Glibc
import LockstepSystem
import LockstepTesting
import Testing

/// `lockstep status` and `lockstep doctor` against a live run: requests from clients that are not workers.
@Suite("Status clients", .serialized, .oneAtATime)
struct StatusClientTests {
    /// Runs a client again until it succeeds in the expected way: on a loaded machine an answer may come too late.
    private func ask(
        _ coordinator: RunningProcess, _ arguments: [String], in folder: TemporaryFolder, status: Int32 = 0,
        expecting texts: [String]
    ) throws {
        var last: FinishedProcess?
        do {
            try coordinator.wait(until: "\(arguments) has the answer") {
                let result = try Program.run(arguments, in: folder.path)
                last = result
                return result.status == status && texts.allSatisfy { (result.output + result.errors).contains($0) }
            }
        } catch {
            Issue.record("\(error)\n\(last?.description ?? "")")
        }
    }

    @Test("status names the run's workers and the step, but only with the right keys; doctor measures the link")
    func answers() throws {
        let folder = try Workplace(epochs: 1_000_000).folder
        try Program.run(["keygen", "keys"], in: folder.path)
        let coordinator = try RunningProcess(
            ["coordinator", "tiny.yaml", "--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"],
            in: folder.path)
        let endpoint = try coordinator.listeningEndpoint()
        let status = ["status", endpoint, "--keys", "keys"]

        try ask(coordinator, status, in: folder, expecting: ["tiny: gathering\n"])

        let worker = try RunningProcess(["worker", "--connect", endpoint, "--keys", "keys"], in: folder.path)
        try coordinator.waitForLine(containing: "Epoch 0")
        try ask(
            coordinator, status, in: folder,
            expecting: [
                "step ", " of 50,000,000", "worker 1   \(Host.name), pid \(worker.processID)", "1 joined, 0 lost",
            ])
        try ask(
            coordinator, ["doctor", "--connect", endpoint, "--keys", "keys"], in: folder,
            expecting: ["libzmq", "with CURVE", "kernels", "open files", "round trip", "MB/s"])
        try ask(coordinator, ["status", endpoint], in: folder, status: 77, expecting: ["requires keys"])
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("status says that no coordinator answers")
    func noCoordinator() throws {
        let folder = try TemporaryFolder()
        let name = "ipc://\(folder("nothing"))"
        let status = try Program.run(["status", name])
        #expect(status.status == 69)
        #expect(
            status.errorLines == [
                "lockstep: no coordinator answered at \(name) within 5 s; is it running, and is the endpoint right?"
            ])
    }

    @Test("A worker says at once that its coordinator's name cannot be resolved, and waits for it")
    func unresolvedName() throws {
        let folder = try TemporaryFolder()
        let name = "tcp://no-such-host.invalid:5555"
        let worker = try RunningProcess(["worker", "--connect", name], in: folder.path)
        let line = try worker.waitForLine(containing: "cannot be resolved")
        #expect(line.contains("\(name): the name no-such-host.invalid cannot be resolved: "))
        #expect(line.hasSuffix("; trying for 60 s"), "\(line)")
        worker.send(signal: SIGTERM)
        let ending = try worker.wait()
        #expect(ending.status == 143, "\(ending)")
        #expect(!ending.errors.contains("no coordinator answered"), "\(ending)")
    }
}

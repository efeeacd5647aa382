import Glibc
import LockstepSystem
import LockstepTesting
import Testing

/// `lockstep status` and `lockstep doctor` against a live run, which does not notice.
@Suite("Looking on", .serialized, .oneAtATime)
struct LookingOnTests {
    @Test("status names the run's workers and the step, with the right keys alone; doctor measures the link")
    func lookOn() throws {
        let folder = try TemporaryFolder()
        let dataset = TinyDataset()
        try dataset.write(to: folder)
        try folder.write(text: dataset.configuration(epochs: 1_000_000), to: "tiny.yaml")
        try Program.run(["keygen", "keys"], in: folder.path)
        let coordinator = try RunningProcess(
            ["coordinator", "tiny.yaml", "--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"],
            in: folder.path)
        let line = try coordinator.waitForLine(containing: "Listening on ")
        let endpoint = String(line.split(separator: " ").last ?? "")

        let waiting = try Program.run(["status", endpoint, "--keys", "keys"], in: folder.path)
        #expect(waiting.status == 0, "\(waiting)")
        #expect(waiting.output.hasPrefix("tiny: gathering\n"))

        let worker = try RunningProcess(["worker", "--connect", endpoint, "--keys", "keys"], in: folder.path)
        try coordinator.waitForLine(containing: "Epoch 0")
        let training = try Program.run(["status", endpoint, "--keys", "keys"], in: folder.path)
        #expect(training.status == 0, "\(training)")
        #expect(training.output.contains("step ") && training.output.contains(" of 50,000,000"), "\(training)")
        #expect(training.output.contains("worker 1   \(Host.name), pid \(worker.processID)"), "\(training)")
        #expect(training.output.contains("1 joined, 0 lost"))

        let doctor = try Program.run(["doctor", "--connect", endpoint, "--keys", "keys"], in: folder.path)
        #expect(doctor.status == 0, "\(doctor)")
        for word in ["libzmq", "with CURVE", "kernels", "open files", "round trip", "MB/s"] {
            #expect(doctor.output.contains(word), "\(word) in \(doctor)")
        }

        let bare = try Program.run(["status", endpoint], in: folder.path)
        #expect(bare.status == 77, "\(bare)")
        #expect(bare.errors.contains("asks for keys"))
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("status says that nobody answers")
    func nobody() throws {
        let folder = try TemporaryFolder()
        let status = try Program.run(["status", "ipc://\(folder("nobody"))"])
        #expect(status.status == 69)
        #expect(status.errors.contains("no coordinator answered"))
        #expect(status.errorLines.count == 1)
    }
}

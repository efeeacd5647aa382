import Glibc
import LockstepArtifacts
import LockstepCompute
import LockstepTesting
import Testing

/// A kernel of this CPU other than the portable one.
private let otherKernel = NumericKernel.supported.last { $0 != .portable }

/// The numeric kernel is part of a run's arithmetic.
@Suite("Numeric kernels", .serialized, .oneAtATime, .enabled(if: otherKernel != nil))
struct KernelTests {
    private let other = otherKernel?.rawValue ?? ""

    @Test("Two kernels give two hashes, each the same every time and on workers")
    func hashes() throws {
        let place = try Workplace(TinyDataset(side: 28))
        for kernel in ["portable", other] {
            let first = try place.weights(["--kernel", kernel, "--shards", "2"])
            #expect(try place.weights(["--kernel", kernel, "--shards", "2"]) == first)
            #expect(try place.weights(["--kernel", kernel, "--workers", "2"]) == first)
        }
        #expect(
            try place.weights(["--kernel", "portable", "--shards", "2"])
                != place.weights(["--kernel", other, "--shards", "2"]))
    }

    @Test("A worker with another kernel is refused with the remedy, and the run continues without it")
    func refusal() throws {
        let place = try Workplace(TinyDataset(side: 28))
        let expected = try place.weights(["--kernel", "portable"])
        let (coordinator, output, address) = try start(place, ["--workers", "1"])
        let wrong = try RunningProcess(["worker", "--connect", address, "--kernel", other]).wait()
        #expect(wrong.status == 69)
        #expect(wrong.errors.contains("--kernel portable"))
        #expect(wrong.errors.contains("--allow-mixed-kernels"))
        try coordinator.waitForLine(containing: "refused a worker")
        let right = try RunningProcess(["worker", "--connect", address])
        #expect(try coordinator.wait().status == 0)
        #expect(try right.wait().status == 0)
        let summary = try RunSummary(run: output)
        #expect(summary.weightsSHA256 == expected)
        #expect(summary.bitwiseReproducible)
    }

    @Test("With --allow-mixed-kernels it is accepted, and the run reports that it is not reproducible")
    func acceptance() throws {
        let place = try Workplace(TinyDataset(side: 28))
        let (coordinator, output, address) = try start(place, ["--workers", "2", "--allow-mixed-kernels"])
        let workers = [
            try RunningProcess(["worker", "--connect", address, "--kernel", other]),
            try RunningProcess(["worker", "--connect", address]),
        ]
        let result = try coordinator.wait()
        #expect(result.status == 0)
        #expect(result.output.contains("Not bitwise reproducible"))
        for worker in workers { #expect(try worker.wait().status == 0) }
        #expect(try RunSummary(run: output).bitwiseReproducible == false)
    }

    private func start(
        _ place: Workplace, _ options: [String]
    ) throws -> (process: RunningProcess, output: String, address: String) {
        let output = place.output()
        let process = try RunningProcess(
            ["coordinator", place.configuration, "--bind", "tcp://127.0.0.1:0", "--kernel", "portable"]
                + ["--output", output] + options, in: place.folder.path)
        return (process, output, try process.listeningEndpoint())
    }
}

import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

private let python = ProcessInfo.processInfo.environment["LOCKSTEP_ORACLE_PYTHON"]

/// The Python package safetensors reads what we keep.
@Suite("Checkpoints, read by Python's safetensors", .serialized, .oneAtATime)
struct CheckpointOracleTests {
    @Test(
        "The weights, the optimizer's moments and the digest of a checkpoint are what other programs find in it",
        .enabled(if: python != nil, "LOCKSTEP_ORACLE_PYTHON is not set: scripts/test sets it"))
    func checkpoint() throws {
        let folder = try TemporaryFolder()
        let dataset = TinyDataset()
        try dataset.write(to: folder)
        try folder.write(text: dataset.configuration(epochs: 2), to: "tiny.yaml")
        let run = try Program.run(
            ["train", "tiny.yaml", "--output", "run", "--set", "optimizer={adamw: {learning-rate: 0.01}}"],
            in: folder.path)
        #expect(run.status == 0, "\(run)")
        let script = """
            import hashlib, json, sys
            from safetensors import safe_open
            path = sys.argv[1]
            content = open(path, "rb").read()
            with safe_open(path, "numpy") as file:
                weights = b"".join(
                    file.get_tensor(f"layers.{layer}.{part}").tobytes()
                    for layer in (0, 1) for part in ("weight", "bias"))
                progress = json.loads(file.get_tensor("progress").tobytes())
                print(json.dumps({
                    "digest": hashlib.sha256(content[:-32]).digest() == file.get_tensor("sha256").tobytes(),
                    "weights": hashlib.sha256(weights).hexdigest(),
                    "shape": list(file.get_tensor("layers.0.weight").shape),
                    "moments": sorted(k for k in file.keys() if k.startswith("optimizer.")),
                    "positive": bool((file.get_tensor("optimizer.second-moment") >= 0).all()),
                    "step": file.metadata()["step"], "epochs": len(progress["epochs"]),
                }))
            """
        let python = try #require(python)
        let result = try Program.run(
            ["-c", script, folder("run/checkpoints/step-100.safetensors")], executable: python)
        #expect(result.status == 0, "\(result)")
        let found = try JSONDecoder().decode(Findings.self, from: Data(result.output.utf8))
        #expect(
            found
                == Findings(
                    digest: true, weights: try RunSummary(run: folder("run")).weightsSHA256, shape: [8, 36],
                    moments: ["optimizer.first-moment", "optimizer.second-moment"], positive: true, step: "100",
                    epochs: 2))
    }

    private struct Findings: Codable, Equatable {
        var digest: Bool
        var weights: String
        var shape: [Int]
        var moments: [String]
        var positive: Bool
        var step: String
        var epochs: Int
    }
}

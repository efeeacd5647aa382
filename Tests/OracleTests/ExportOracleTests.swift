import Foundation
import LockstepArtifacts
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting
import Testing

/// A network of 784-5-10 with weights that are easy to tell apart, and its model file in a folder of its own.
private struct Sample {
    let folder: TemporaryFolder
    let model: TrainedModel

    init() throws {
        folder = try TemporaryFolder()
        let architecture = Architecture(sizes: [784, 5, 10])
        let parameters = FloatBuffer(count: try NetworkModel(architecture).layout.count)
        try NetworkModel(architecture).initialize(seed: 11, into: parameters)
        let path = folder("model.safetensors")
        try ModelFile.save(
            to: path, architecture: architecture, cost: .quadratic, parameters: UnsafeBufferPointer(parameters.buffer),
            metadata: ModelMetadata(inputScale: .byte, labels: (0..<10).map(String.init)))
        model = try ModelFile.load(path)
    }
}

/// Reads the safetensors file by itself, so that each export is compared with what the model file holds.
private let prelude = """
    import json, struct, sys
    import numpy as np
    raw = open(sys.argv[1], "rb").read()
    n = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + n])
    tensors = {
        name: np.frombuffer(raw[8 + n:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"}

    """

@Suite("Exported models")
struct ExportOracleTests {
    @Test(
        "numpy reads an npz with the same bits", .enabled(if: OraclePython.has("numpy"), "no numpy: run scripts/test"))
    func npz() throws {
        let sample = try Sample()
        try sample.model.export(to: sample.folder("model.npz"), as: .npz)
        let output = try OraclePython.run(
            prelude + """
                import zipfile
                assert zipfile.ZipFile(sys.argv[2]).testzip() is None
                archive = np.load(sys.argv[2])
                assert sorted(archive.files) == sorted(tensors), archive.files
                for name, value in tensors.items():
                    assert archive[name].dtype == np.float32 and archive[name].shape == value.shape, name
                    assert archive[name].tobytes() == value.tobytes(), name
                print(len(archive.files))
                """, [sample.folder("model.safetensors"), sample.folder("model.npz")])
        #expect(output == "4\n")
    }

    @Test(
        "ONNX Runtime computes the same outputs",
        .enabled(if: OraclePython.has("onnxruntime"), "no onnxruntime: run scripts/test"))
    func onnx() throws {
        let sample = try Sample()
        try sample.model.export(to: sample.folder("model.onnx"), as: .onnx)
        let output = try OraclePython.run(
            prelude + """
                import onnxruntime
                session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
                x = np.random.default_rng(3).random((7, 784), dtype=np.float32)
                (y,) = session.run(["output"], {"input": x})
                a = x.astype(np.float64)
                for layer in range(2):
                    z = a @ tensors[f"layers.{layer}.weight"].astype(np.float64).T + tensors[f"layers.{layer}.bias"]
                    a = 1 / (1 + np.exp(-z))
                assert y.shape == (7, 10), y.shape
                assert np.abs(y - a).max() < 1e-5, np.abs(y - a).max()
                print(session.get_modelmeta().custom_metadata_map["input_scale"])
                """, [sample.folder("model.safetensors"), sample.folder("model.onnx")])
        #expect(output == "1/255\n")
    }

    @Test(
        "the page's weights are the model's, and nothing outside it is asked for",
        .enabled(if: OraclePython.has("numpy"), "no numpy: run scripts/test"))
    func html() throws {
        let sample = try Sample()
        try sample.model.export(to: sample.folder("model.html"), as: .html)
        let output = try OraclePython.run(
            prelude + """
                import base64, re
                page = open(sys.argv[2], encoding="utf-8").read()
                weights = np.frombuffer(base64.b64decode(re.search(r'atob\\("([^"]*)"\\)', page).group(1)), "<f4")
                expected = np.concatenate([
                    tensors[f"layers.{layer}.{kind}"].ravel() for layer in range(2) for kind in ("weight", "bias")])
                assert weights.tobytes() == expected.tobytes()
                assert not re.search(r'https?:|<link|src=', page)
                assert "%" not in re.sub(r'"%"|\\d%', "", page), "a placeholder is left"
                print(re.search(r"A (.*) network, trained", page).group(1))
                """, [sample.folder("model.safetensors"), sample.folder("model.html")])
        #expect(output == "784-5-10\n")
    }

    @Test("a page is refused for a network that takes no picture")
    func htmlOfOtherSizes() throws {
        let folder = try TemporaryFolder()
        let architecture = Architecture(sizes: [4, 2])
        let parameters = FloatBuffer(count: 10)
        let path = folder("model.safetensors")
        try ModelFile.save(
            to: path, architecture: architecture, cost: .quadratic, parameters: UnsafeBufferPointer(parameters.buffer),
            metadata: ModelMetadata(inputScale: .one, labels: []))
        let model = try ModelFile.load(path)
        #expect(throws: ArtifactError.self) { try model.export(to: folder("model.html"), as: .html) }
    }
}

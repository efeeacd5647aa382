import Foundation
import LockstepArtifacts
import LockstepDigest
import LockstepNumerics
import LockstepTesting
import LockstepTraining
import Testing

/// Run directories and models that earlier programs have written: see `Fixtures/README.md`.
@Suite("Files of earlier releases", .serialized, .oneAtATime)
struct EarlierReleaseTests {
    /// The run directory of four epochs that an earlier program has left.
    struct Release: Sendable, CustomTestStringConvertible {
        /// Its folder.
        let testDescription: String
        /// The version of the model's format.
        let format: Int
        /// What that program has said of its model on the test samples.
        let evaluation: String
        /// SHA-256 of the weights that it has trained in eight epochs.
        let weights: String
        /// Whether the products and convolutions of this network are Lockstep's own: their bits stay with the kernel's name.
        let hasOwnKernels: Bool
    }

    static let releases = [
        Release(
            testDescription: "sizes", format: 1, evaluation: "29 / 30   96.67 %   cost 0.4818\n",
            weights: "5c8cabf95464d656af57e6de8a23720ab92ef9e068570fb32643dcdafc3e2597", hasOwnKernels: true),
        Release(
            testDescription: "layers", format: 2, evaluation: "23 / 30   76.67 %   cost 0.5663\n",
            weights: "b5c62a6353e19f57014a4af4819f3a0877feb7d45755b7d33c13fb780427c27e", hasOwnKernels: false),
    ]

    /// A copy of the fixtures, which tests may change.
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let fixtures = String(#filePath.dropLast("EarlierReleaseTests.swift".count)) + "Fixtures"
        for name in try FileManager.default.contentsOfDirectory(atPath: fixtures) {
            try FileManager.default.copyItem(atPath: "\(fixtures)/\(name)", toPath: folder(name))
        }
    }

    private func run(_ arguments: String...) throws -> FinishedProcess {
        try Program.run(arguments, in: folder.path)
    }

    private func expectRefusal(
        _ result: FinishedProcess, status: Int32, words: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errorLines.count == 1 && result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
        for word in words { #expect(result.errors.contains(word), "\(result)", sourceLocation: sourceLocation) }
    }

    @Test("A model counts as many right answers as it did when it was written", arguments: releases)
    func evaluation(release: Release) throws {
        let name = release.testDescription
        let model = try bytes(of: folder("\(name)/model.safetensors"))
        #expect(model.firstRange(of: Array(#""format_version":"\#(release.format)""#.utf8)) != nil)
        let result = try run("evaluate", "\(name)/model.safetensors", "--data", "\(name)/config.yaml")
        #expect(result.status == 0 && result.output == release.evaluation && result.errors.isEmpty, "\(result)")
    }

    @Test("A model leaves in every format that its input allows, with its weights", arguments: releases)
    func exports(release: Release) throws {
        let name = release.testDescription
        let path = "\(name)/model.safetensors"
        let model = try ModelFile.load(folder(path))
        // The first row of the first layer's weights, 9 of which a filter has and 16 a neuron.
        let row = model.parameters.values.prefix(9).flatMap { withUnsafeBytes(of: $0) { Array($0) } }
        for format in ["safetensors", "npz", "onnx"] {
            let result = try run("export", path, "--format", format, "--output", "exported.\(format)")
            #expect(result.status == 0, "\(result)")
            #expect(try bytes(of: folder("exported.\(format)")).firstRange(of: row) != nil, "\(format)")
        }
        #expect(try ModelFile.load(folder("exported.safetensors")).weightsSHA256 == model.weightsSHA256)
        expectRefusal(
            try run("export", path, "--format", "html", "--output", "exported.html"), status: 65,
            words: ["28 x 28 pixels", "16 values"])
    }

    @Test("Models of two releases answer together")
    func ensemble() throws {
        let result = try run(
            "evaluate", "layers/model.safetensors", "--ensemble", "sizes/model.safetensors", "--data",
            "layers/config.yaml")
        // As numpy computes it from the two files.
        #expect(result.status == 0 && result.output == "25 / 30   83.33 %   cost 0.4955\n", "\(result)")
    }

    @Test(
        "A run directory has its report, and the run continues to the weights of an undisturbed one",
        arguments: releases)
    func resumes(release: Release) throws {
        let name = release.testDescription
        let report = try run("report", name, "--output", "report.html")
        #expect(report.status == 0, "\(report)")
        // The accuracy on the validation and the test samples, the training loss and the test cost.
        #expect(try text(of: folder("report.html")).matches(of: #/<polyline/#).count == 4)

        let written = try RunSummary(run: folder(name)).programVersion
        let result = try run("train", "\(name)/config.yaml", "--resume", "--output", name, "--epochs", "8")
        guard written == programVersion else {
            return expectRefusal(
                result, status: 65, words: ["was written by lockstep \(written), this is \(programVersion)"])
        }
        if result.status == 69, !release.hasOwnKernels {
            // Another version of the compute library, which the fingerprint detects.
            return expectRefusal(result, status: 69, words: ["kernel avx2, whose bits", "--allow-mixed-kernels"])
        }
        #expect(result.status == 0 && result.errors.contains("Resuming \(name) after step 40"), "\(result)")
        let summary = try RunSummary(run: folder(name))
        #expect(summary.weightsSHA256 == release.weights)
        #expect(summary.epochs.map(\.epoch) == Array(0..<8))
        let lines = try text(of: folder("\(name)/metrics.jsonl")).split(separator: "\n")
        #expect(lines.count { $0.contains(#""type":"epoch""#) } == 8)
    }

    /// Replaces a text of a checkpoint by one of the same length, and the digest at the file's end by that of the rest.
    private func rewrite(_ path: String, _ old: String, _ new: String) throws {
        #expect(old.utf8.count == new.utf8.count)
        var content = try bytes(of: folder(path))
        content.replaceSubrange(try #require(content.firstRange(of: Array(old.utf8))), with: Array(new.utf8))
        let covered = content.count - SHA256Digest.byteCount
        let digest = content[..<covered].withUnsafeBytes { SHA256.hash($0) }
        try folder.write(content[..<covered] + digest.bytes, to: path)
    }

    @Test(
        "A checkpoint of a later format or of another version is refused by name, and left as it is",
        arguments: releases)
    func otherCheckpoints(release: Release) throws {
        let name = release.testDescription
        let checkpoint = "\(name)/checkpoints/step-40.safetensors"
        let resume = ["train", "\(name)/config.yaml", "--resume", "--output", name, "--epochs", "8"]
        for (old, new, words) in [
            (
                #""format_version":"1""#, #""format_version":"3""#,
                [checkpoint, "its format version is '3', this program reads 1; use the program that wrote it"]
            ),
            (
                #""format_version":"3""#, #""format_versiom":"3""#,
                [checkpoint, "it names no format version, this program reads 1"]
            ),
            (
                #""format_versiom":"3""#, #""format_version":"1""#, []
            ),
            (
                #""program_version":"0.1.0""#, #""program_version":"0.0.9""#,
                ["step 40 was written by lockstep 0.0.9, this is \(programVersion)", "continue with that version"]
            ),
        ] {
            try rewrite(checkpoint, old, new)
            if words.isEmpty { continue }
            let before = try bytes(of: folder(checkpoint))
            expectRefusal(try Program.run(resume, in: folder.path), status: 65, words: words)
            #expect(try bytes(of: folder(checkpoint)) == before)
        }
    }

    @Test("A run with a kernel of OpenBLAS is refused by the kernel's name")
    func formerKernel() throws {
        let configuration = try text(of: folder("sizes/config.yaml"))
        try folder.write(
            text: configuration.replacing("kernel: avx2", with: "kernel: haswell"), to: "sizes/config.yaml")
        expectRefusal(
            try run("train", "sizes/config.yaml", "--resume", "--output", "sizes", "--epochs", "8"), status: 78,
            words: ["sizes/config.yaml:", "haswell belongs to an earlier version", "start the run anew"])
    }

    @Test("A model of a later format is refused by name", arguments: releases)
    func otherModels(release: Release) throws {
        let path = "\(release.testDescription)/model.safetensors"
        var content = try bytes(of: folder(path))
        let old = Array(#""format_version":"\#(release.format)""#.utf8)
        content.replaceSubrange(
            try #require(content.firstRange(of: old)), with: Array(#""format_version":"3""#.utf8))
        try folder.write(content, to: path)
        let words = ["\(path): its format version is '3', this program reads 1 and 2; use the program that wrote it"]
        let data = "\(release.testDescription)/config.yaml"
        expectRefusal(try run("evaluate", path, "--data", data), status: 65, words: words)
        expectRefusal(try run("export", path, "--format", "onnx"), status: 65, words: words)
        expectRefusal(try run("predict", path, "digit.png"), status: 65, words: words)
        let other = release.testDescription == "sizes" ? "layers" : "sizes"
        expectRefusal(
            try run("evaluate", "\(other)/model.safetensors", "--data", data, "--ensemble", path), status: 65,
            words: words)
    }
}

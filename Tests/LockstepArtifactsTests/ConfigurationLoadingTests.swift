import Foundation
import LockstepArtifacts
import LockstepNetwork
import LockstepTesting
import LockstepTraining
import Testing

struct ConfigurationLoadingTests {
    private static let config = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("config").path

    @Test(
        "Each of the textbook's experiments loads",
        arguments: [
            ("mnist-30", [784, 30, 10], 3.0), ("mnist-100", [784, 100, 10], 3.0),
            ("mnist-slow", [784, 100, 10], 0.001), ("mnist-diverging", [784, 30, 10], 100.0),
            ("mnist-linear", [784, 10], 3.0),
        ])
    func experiments(name: String, sizes: [Int], learningRate: Double) throws {
        var expected = textbook
        expected.name = name
        expected.network.sizes = sizes
        expected.optimizer = .sgd(learningRate: learningRate)
        #expect(try ConfigurationFile.load(path: "\(Self.config)/\(name).yaml") == expected)
    }

    @Test("Every file in config/ begins with a comment and loads under its own name")
    func allFiles() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.config).filter { $0.hasSuffix(".yaml") }
        #expect(names.count >= 5)
        for name in names {
            let path = "\(Self.config)/\(name)"
            #expect(try text(of: path).hasPrefix("# "), "\(name)")
            #expect(try ConfigurationFile.load(path: path).name + ".yaml" == name)
        }
    }

    @Test("The error for a file that does not exist suggests a similar one")
    func missing() throws {
        let folder = try TemporaryFolder()
        #expect(
            message { try ConfigurationFile.load(path: folder("x.yaml")) }.hasPrefix(
                "\(folder("x.yaml")): no such file"))
        _ = try folder.write([], to: "mnist-30.yaml")
        _ = try folder.write([], to: "other.yml")
        #expect(
            message { try ConfigurationFile.load(path: folder("mnist30.yaml")) }
                == "\(folder("mnist30.yaml")): no such file; did you mean \(folder("mnist-30.yaml"))?")
        #expect(
            message { try ConfigurationFile.load(path: folder("mnist_30")) }
                == "\(folder("mnist_30")): no such file; did you mean \(folder("mnist-30.yaml"))?")
        #expect(
            message { try ConfigurationFile.load(path: folder("quite-different")) }
                .hasPrefix("\(folder("quite-different")): no such file; there are \(folder("mnist-30.yaml")), "))
        #expect(
            message { try ConfigurationFile.load(path: folder("mnist-30.yaml/x")) }
                .hasPrefix("\(folder("mnist-30.yaml/x")): no such file"))
        #expect(message { try ConfigurationFile.load(path: "") }.hasPrefix("'': no such file"))
        #expect(message { try ConfigurationFile.load(path: "a\0b") }.hasPrefix(#"a\0b: no such file"#))
    }

    @Test("Folders, devices, pipes, binary and huge files are refused")
    func wrongFiles() throws {
        let folder = try TemporaryFolder()
        #expect(
            message { try ConfigurationFile.load(path: folder.path) }.hasPrefix(
                "\(folder.path): a folder or device, not a file"))
        #expect(
            message { try ConfigurationFile.load(path: "/dev/zero") }.hasPrefix(
                "/dev/zero: a folder or device, not a file"))
        #expect(mkfifo(folder("pipe"), 0o600) == 0)
        #expect(message { try ConfigurationFile.load(path: folder("pipe")) }.contains("a folder or device, not a file"))

        let binary = try folder.write([0x6E, 0xFF, 0xFE, 0x00], to: "binary.yaml")
        #expect(message { try ConfigurationFile.load(path: binary) } == "\(binary): not UTF-8 text; save it as UTF-8")

        let limit = ConfigurationFile.maximumSize
        let huge = try folder.write(repeatElement(UInt8(ascii: "#"), count: limit + 1), to: "huge.yaml")
        #expect(
            message { try ConfigurationFile.load(path: huge) }
                == "\(huge): larger than 1048576 bytes; give a run configuration")
        let large = try folder.write(repeatElement(UInt8(ascii: "#"), count: limit), to: "large.yaml")
        #expect(message { try ConfigurationFile.load(path: large) }.contains("the configuration is empty"))
    }

    @Test("Overrides apply to a file")
    func overrides() throws {
        let path = "\(Self.config)/mnist-30.yaml"
        let run = try ConfigurationFile.load(path: path, overrides: ["training.epochs=1", "training.epochs=2"])
        #expect(run.training.epochs == 2)
        #expect(
            message { try ConfigurationFile.load(path: path, overrides: ["training.epoch=1"]) }
                == "--set training.epoch=1: unknown key 'epoch' in training; did you mean 'epochs'?")
    }

    @Test("A file may begin with a byte order mark, as editors on Windows write it")
    func byteOrderMark() throws {
        let folder = try TemporaryFolder()
        let text = """
            name: marked
            data: { name: mnist }
            network: { sizes: [784, 30, 10] }
            training: { epochs: 1, batch: 10 }
            optimizer: { sgd: { learning-rate: 3.0 } }
            """
        let plain = try ConfigurationFile.load(path: try folder.write(text: text, to: "plain.yaml"))
        let marked = try ConfigurationFile.load(
            path: try folder.write([0xEF, 0xBB, 0xBF] + Array(text.utf8), to: "marked.yaml"))
        #expect(marked == plain && marked.name == "marked")
    }
}

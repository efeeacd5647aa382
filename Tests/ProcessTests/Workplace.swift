import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// A folder with a tiny data set and a configuration on it, in which runs are made.
struct Workplace {
    let folder: TemporaryFolder
    /// The configuration's path.
    let configuration: String

    /// - Parameters:
    ///   - dataset: Written to `data`.
    ///   - epochs: Passes over it.
    ///   - batch: Samples in a mini-batch.
    /// - Throws: What keeps files from being written.
    init(_ dataset: TinyDataset = TinyDataset(), epochs: Int = 2, batch: Int = 10) throws {
        folder = try TemporaryFolder()
        try dataset.write(to: folder)
        configuration = try folder.write(
            text: dataset.configuration(epochs: epochs, batch: batch), to: "tiny.yaml")
    }

    /// Runs for mnist-30 itself, for two epochs.
    init(mnist: Void) throws {
        folder = try TemporaryFolder()
        configuration = "\(Program.root)/config/mnist-30.yaml"
    }

    /// Whether MNIST has been fetched.
    static let hasMNIST = (try? Program.run(["data", "mnist"]).status == 0) ?? false

    /// A place for a run directory.
    func output() -> String { folder("run-\(UUID().uuidString)") }

    /// Trains to the end and reads what came of it. No process is left over.
    func train(_ options: [String]) throws -> RunSummary {
        let output = output()
        let run = try RunningProcess(["train", configuration, "--output", output] + options, in: folder.path)
        let result = try run.wait()
        try #require(result.status == 0, "\(result)")
        #expect(run.orphans().isEmpty)
        return try RunSummary(run: output)
    }

    /// The hash of the weights of a run.
    func weights(_ options: [String]) throws -> String {
        try train(options).weightsSHA256
    }
}

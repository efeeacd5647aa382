import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// A folder with a tiny data set and its configuration, for runs.
struct Workplace {
    let folder: TemporaryFolder
    /// The configuration's path.
    let configuration: String

    /// - Parameters:
    ///   - dataset: The data set; it is written to `data`.
    ///   - epochs: The number of epochs.
    ///   - batch: The samples of a mini-batch.
    /// - Throws: An error if a file cannot be written.
    init(_ dataset: TinyDataset = TinyDataset(), epochs: Int = 2, batch: Int = 10) throws {
        folder = try TemporaryFolder()
        try dataset.write(to: folder)
        configuration = try folder.write(
            text: dataset.configuration(epochs: epochs, batch: batch), to: "tiny.yaml")
    }

    /// A folder for runs of mnist-30 itself.
    init(mnist: Void) throws {
        try self.init(file: "mnist-30")
    }

    /// A folder for runs of a file of the folder `config`.
    init(file name: String) throws {
        folder = try TemporaryFolder()
        configuration = "\(Program.root)/config/\(name).yaml"
    }

    /// Whether MNIST has been fetched.
    static let hasMNIST = (try? Program.run(["data", "mnist"]).status == 0) ?? false

    /// A path for a new run directory.
    func output() -> String { folder("run-\(UUID().uuidString)") }

    /// Trains to the end and reads the summary. Expects that no process is left.
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

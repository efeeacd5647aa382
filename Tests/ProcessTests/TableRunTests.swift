import LockstepArtifacts
import LockstepTesting
import Testing

/// A table of text is a data set like the others.
@Suite("Runs on a table of text", .serialized, .oneAtATime)
struct TableRunTests {
    /// Tables with the samples of the IDX files in a folder, the label in the last column.
    private func writeTables(in folder: TemporaryFolder) throws {
        for part in ["train", "t10k"] {
            let labels = try bytes(of: folder("data/\(part)-labels-idx1-ubyte")).dropFirst(8)
            let pixels = try bytes(of: folder("data/\(part)-images-idx3-ubyte")).dropFirst(16)
            let size = pixels.count / labels.count
            let lines = labels.enumerated().map { sample, label in
                let row = pixels.dropFirst(sample * size).prefix(size)
                return (row.map(String.init) + ["\(label)"]).joined(separator: ";") + "\r\n"
            }
            try folder.write(text: lines.joined(), to: "\(part).csv")
        }
    }

    private func lineCount(_ name: String, in folder: TemporaryFolder) throws -> Int {
        try text(of: folder(name)).split(separator: "\r\n").count
    }

    @Test("give the weights of the run on the same images in IDX files, with workers too")
    func sameWeights() throws {
        let place = try Workplace()
        try writeTables(in: place.folder)
        let table = ["--set", "data={ csv: train.csv, test-csv: t10k.csv, label: last, validation: 100 }"]
        let expected = try place.weights(["--shards", "2"])
        #expect(try place.weights(table + ["--shards", "2"]) == expected)
        #expect(try place.weights(table + ["--workers", "2"]) == expected)
    }

    @Test("save a model that is evaluated on the data of its configuration, not on a table of guessed layout")
    func evaluation() throws {
        let place = try Workplace()
        try writeTables(in: place.folder)
        let output = place.output()
        let options = ["--set", "data={ csv: train.csv, label: last, test: 100 }", "--output", output]
        let run = try Program.run(["train", place.configuration] + options, in: place.folder.path)
        try #require(run.status == 0, "\(run)")
        let summary = try RunSummary(run: output)
        let evaluate = ["evaluate", output + "/model.safetensors"]
        let evaluated = try Program.run(evaluate + ["--data", output + "/config.yaml"], in: place.folder.path)
        let correct = try #require(summary.finalCorrect)
        #expect(evaluated.output.hasPrefix("\(correct) / 100 "), "\(evaluated)")
        // The configuration beside the model says how its table is read; the run's directory stands for its best model.
        let beside = try Program.run(evaluate, in: place.folder.path)
        #expect(beside.output == evaluated.output, "\(beside)")
        let directory = try Program.run(["evaluate", output], in: place.folder.path)
        let selected = try #require(summary.selectedCorrect)
        #expect(directory.output.hasPrefix("\(selected) / 100 "), "\(directory)")
        // A model elsewhere does not know where its table lies, but how another one is read.
        let model = place.folder("elsewhere/model.safetensors")
        try place.folder.write(try bytes(of: output + "/model.safetensors"), to: "elsewhere/model.safetensors")
        let refused = try Program.run(["evaluate", model], in: place.folder.path)
        #expect(refused.status == 66 && refused.errorLines.count == 1, "\(refused)")
        let all = try Program.run(["evaluate", model, "--data", "train.csv"], in: place.folder.path)
        let count = try lineCount("train.csv", in: place.folder)
        #expect(all.status == 0 && all.output.contains(" / \(count) "), "\(all)")
        let split = try Program.run(
            ["evaluate", model, "--data", "train.csv", "--split", "test"], in: place.folder.path)
        #expect(split.status == 64 && split.errors.contains("leave --split out"), "\(split)")
    }

    @Test("are rejected in one line that names file, line and column")
    func fault() throws {
        let place = try Workplace()
        try place.folder.write(text: "0,1,2\n1,3,four\n", to: "table.csv")
        let options = ["--set", "data={ csv: table.csv, label: first }", "--output", place.output()]
        let refused = try Program.run(["train", place.configuration] + options, in: place.folder.path)
        #expect(refused.status == 65)
        #expect(
            refused.errorLines == [
                "lockstep: table.csv, line 2, column 3: 'four' is not a number, as most fields of its column are; correct it, "
                    + "put ? or nothing where a value is missing, or list the column in data.categories or data.ignore"
            ], "\(refused)")
    }
}

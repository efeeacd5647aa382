import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// The promise: weights depend on configuration, shards, kernel and version, and on nothing else.
@Suite("The same weights with any workers", .serialized, .oneAtATime)
struct ExactnessTests {
    @Test("mnist-30 with two shards: one process, one worker, two workers", .enabled(if: Workplace.hasMNIST))
    func twoShards() throws {
        let place = try Workplace(mnist: ())
        let alone = try place.train(["--epochs", "2", "--shards", "2"])
        #expect(alone.workers == 1)
        let two = try place.train(["--epochs", "2", "--workers", "2"])
        #expect(two.workers == 2)
        #expect(two.shards == 2)
        #expect(two.weightsSHA256 == alone.weightsSHA256)
        #expect(two.epochs.map(\.correct) == alone.epochs.map(\.correct))
        #expect(two.epochs.map(\.cost) == alone.epochs.map(\.cost))
        #expect(two.epochs.map(\.trainingCost) == alone.epochs.map(\.trainingCost))
        #expect(try place.weights(["--epochs", "2", "--workers", "1", "--shards", "2"]) == alone.weightsSHA256)
    }

    @Test(
        "mnist-30 with four shards: one process, four workers, three of which one or two are killed",
        .enabled(if: Workplace.hasMNIST))
    func fourShards() throws {
        let place = try Workplace(mnist: ())
        let never = ["--epochs", "2", "--set", "evaluation.every=0"]
        let alone = try place.weights(["--shards", "4", "--epochs", "2"])
        #expect(try place.weights(["--workers", "4"] + never) == alone)

        let output = place.output()
        let run = try RunningProcess(
            ["train", place.configuration, "--output", output, "--workers", "3", "--shards", "4"] + never)
        try run.waitForLine(containing: "Epoch 0")
        try killUntilShardsMove(in: run)
        let result = try run.wait()
        #expect(result.status == 0, "\(result)")
        let summary = try RunSummary(run: output)
        #expect(summary.weightsSHA256 == alone)
        #expect(summary.workersLost >= 1)
        #expect(summary.shardsReassigned >= 1)
        #expect(summary.bitwiseReproducible)
        #expect(run.orphans().isEmpty)
    }

    /// Kills a worker and, if it had nothing to do at that moment, another one.
    private func killUntilShardsMove(in run: RunningProcess) throws {
        for (index, worker) in run.workers.prefix(2).enumerated() {
            kill(worker, SIGKILL)
            let notice = try run.waitForLine(containing: "was lost", count: index + 1)
            #expect(notice.contains("pid \(worker)"))
            if notice.contains("to the others") { return }
        }
    }

    @Test(
        "Mini-batches of one, of odd sizes, of all samples, and fewer samples than shards",
        arguments: [1, 3, 7, 128, 500])
    func batches(_ batch: Int) throws {
        let place = try Workplace(epochs: 1, batch: batch)
        let alone = try place.weights(["--shards", "4"])
        #expect(try place.weights(["--workers", "4", "--oversubscribe"]) == alone)
        #expect(try place.weights(["--workers", "3", "--shards", "4", "--oversubscribe"]) == alone)
    }

    @Test("One mini-batch of MNIST's 50,000 training samples", .enabled(if: Workplace.hasMNIST))
    func wholeTrainingSet() throws {
        let place = try Workplace(mnist: ())
        let options = ["--epochs", "2", "--batch", "50000", "--shards", "3"]
        let alone = try place.train(options)
        #expect(alone.steps == 2)
        #expect(try place.weights(options + ["--workers", "2"]) == alone.weightsSHA256)
    }

    @Test("A part of the training samples: the weights of any workers, and of a data set that has no others")
    func trainingPart() throws {
        let place = try Workplace()
        let part = ["--shards", "3", "--set", "data.training=137"]
        let run = try place.train(part)
        #expect(run.steps == 28)
        #expect(try place.weights(["--workers", "2"] + part) == run.weightsSHA256)
        #expect(try place.weights(["--workers", "3", "--transport", "inline"] + part) == run.weightsSHA256)
        #expect(try place.weights(["--shards", "3"]) != run.weightsSHA256)

        // The first 137 samples for training and the last 100 for validation.
        for (name, header, size) in [("images-idx3", 16, 36), ("labels-idx1", 8, 1)] {
            let path = place.folder("data/train-\(name)-ubyte")
            var bytes = try bytes(of: path)
            bytes.removeSubrange(header + 137 * size..<header + 500 * size)
            bytes[7] = 237
            bytes[6] = 0
            try place.folder.write(bytes, to: "data/train-\(name)-ubyte")
        }
        let alone = try place.train(["--shards", "3"])
        #expect(alone.weightsSHA256 == run.weightsSHA256)
        #expect(alone.epochs.map(\.correct) == run.epochs.map(\.correct))
        #expect(alone.epochs.map(\.validationCorrect) == run.epochs.map(\.validationCorrect))
        #expect(alone.dataSHA256 != run.dataSHA256)
    }

    @Test("A run on a part of the training samples is resumed with that part alone")
    func resumedPart() throws {
        let place = try Workplace()
        func train(_ options: String...) throws -> FinishedProcess {
            try Program.run(
                ["train", place.configuration, "--output", place.folder("part")] + options, in: place.folder.path)
        }
        #expect(try train("--set", "data.training=60").status == 0)
        let other = try train("--set", "data.training=61", "--resume")
        #expect(other.status == 78 && other.errors.contains("data.training (60 in the run, 61 now)"), "\(other)")
        let more = try train("--set", "data.training=60", "--resume", "--epochs", "3")
        #expect(more.status == 0, "\(more)")
        #expect(
            try RunSummary(run: place.folder("part")).weightsSHA256
                == place.weights(["--set", "data.training=60", "--epochs", "3"]))
        let tooMany = try Program.run(
            ["train", place.configuration, "--set", "data.training=501"], in: place.folder.path)
        #expect(tooMany.status == 65 && tooMany.errors.contains("set data.training to 1 to 500"), "\(tooMany)")
    }

    @Test("The weights do not depend on how often the run is evaluated")
    func evaluation() throws {
        let place = try Workplace(epochs: 3)
        let every = try place.train(["--workers", "2"])
        let never = try place.train(["--workers", "2", "--set", "evaluation.every=0"])
        #expect(every.weightsSHA256 == never.weightsSHA256)
        #expect(every.epochs.map(\.weightsSHA256) == never.epochs.map(\.weightsSHA256))
        #expect(every.epochs.allSatisfy { $0.correct != nil })
        #expect(never.epochs.allSatisfy { $0.correct == nil })
    }

    @Test("Another number of shards or another seed gives other weights: the hash is not constant")
    func differences() throws {
        let place = try Workplace(epochs: 1)
        let hashes = try [["--shards", "1"], ["--shards", "2"], ["--shards", "2", "--seed", "2"]].map(place.weights)
        #expect(Set(hashes).count == 3)
    }
}

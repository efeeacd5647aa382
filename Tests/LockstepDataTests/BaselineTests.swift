import LockstepData
import Testing

@Suite("Baselines")
struct BaselineTests {
    @Test("darkness guesses the class with the nearest average of the training split")
    func darkness() throws {
        let dataset = try Dataset.make(
            name: "grey", inputSize: 2,
            features: [0, 0.2, 0.4, 0.4, 1, 1, 0, 0, 0.5, 0.5, 0.1, 0.1, 0.8, 1] as [Float],
            labels: [0, 1, 2, 0, 1, 0, 1], validation: 0, test: 2)
        let baseline = AverageDarkness(training: dataset)
        #expect(baseline.averages[2] == 2)
        #expect(baseline.averages[0].map { abs($0 - 0.1) < 1e-6 } == true)
        #expect(baseline.guess(1.9) == 2)
        #expect(baseline.guess(0.3) == 0)
        #expect(baseline.correct(dataset.indices(of: .test), of: dataset) == 1)
    }

    @Test("a darkness half-way between two classes gives the lower class, and guesses reach every class alike")
    func ties() throws {
        let pair = try Dataset.make(name: "pair", inputSize: 1, features: [0, 2] as [Float], labels: [0, 1])
        #expect(AverageDarkness(training: pair).guess(1) == 0)
        for label in 0..<10 as Range<UInt16> {
            // Ten classes, because the first sample has the highest label.
            let labels = [9] + [UInt16](repeating: label, count: 2_000)
            let dataset = try Dataset.make(
                name: "one", inputSize: 1, features: [Float](repeating: 0, count: 2_001), labels: labels)
            #expect((140...260).contains(randomGuesses(seed: 1, 1..<2_001, of: dataset)), "\(label)")
        }
    }

    @Test(
        "darkness reads exactly 2,225 of MNIST's test images, guessing about a tenth",
        .enabled(if: (try? DataCache().verify("mnist").isComplete) ?? false, "run scripts/fetch-data"))
    func mnist() throws {
        let dataset = try DataSource.named("mnist").load(cache: DataCache())
        let test = dataset.indices(of: .test)
        #expect(AverageDarkness(training: dataset).correct(test, of: dataset) == 2_225)
        #expect((900...1_100).contains(randomGuesses(seed: 1, test, of: dataset)))
    }

    @Test("LIBSVM's lines count from 1 and leave zeros out")
    func libSVM() throws {
        let dataset = try Dataset.make(
            name: "small", inputSize: 3, features: [0, 0.5, 1, 0, 0, 0] as [Float], labels: [2, 1])
        #expect(dataset.libSVMLine(of: 0) == "2 2:0.5 3:1.0")
        #expect(dataset.libSVMLine(of: 1) == "1")
    }
}

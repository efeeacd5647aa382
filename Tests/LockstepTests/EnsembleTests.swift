import Foundation
import Lockstep
import Testing

@Suite("Ensemble")
struct EnsembleTests {
    init() throws {
        try Kernel.portable.select()
    }

    private func description(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            let error = error as? LockstepError
            #expect(error?.kind == .configuration)
            return error?.description
        }
    }

    @Test("answers with the mean of its networks' outputs")
    func mean() throws {
        let networks = try [Network([4, 5, 3], seed: 1), Network([4, 3], seed: 2), Network([4, 2, 2, 3], seed: 3)]
        let ensemble = try Ensemble(networks)
        let input: [Float] = [0.5, -1, 0.25, 2]
        let outputs = try networks.map { try $0.outputs(for: input).map(Double.init) }
        let expected = (0..<3).map { Float((outputs[0][$0] + outputs[1][$0] + outputs[2][$0]) / 3) }
        #expect(try ensemble.outputs(for: input) == expected)
        let largest = try #require(expected.max())
        let answer = try ensemble.predict(input)
        #expect(answer.confidence == largest && expected[answer.label] == largest)
        #expect(throws: LockstepError.self) { try ensemble.outputs(for: [1]) }
    }

    @Test("of one network, or of one network twice, answers as the network does, bit for bit")
    func one() throws {
        let samples = try smallDataset(60)
        var network = try Network([4, 5, 3], seed: 7)
        try network.train(on: samples, epochs: 3, batch: 4, learningRate: 2)
        for networks in [[network], [network, network]] {
            let ensemble = try Ensemble(networks)
            for split in [Dataset.Split.training, .test] {
                for index in 0..<samples.count(of: split) {
                    let (input, _) = try samples.sample(index, of: split)
                    #expect(try ensemble.outputs(for: input) == network.outputs(for: input))
                    #expect(try ensemble.predict(input) == network.predict(input))
                }
                #expect(try ensemble.evaluate(on: samples, split: split) == network.evaluate(on: samples, split: split))
            }
        }
    }

    @Test("counts the samples that its predictions get right")
    func evaluation() throws {
        let samples = try smallDataset(300)
        var networks: [Network] = []
        for seed in 1...3 {
            var network = try Network([4, 3], seed: UInt64(seed))
            try network.train(on: samples, epochs: 1, batch: 30, learningRate: 0.3)
            networks.append(network)
        }
        let ensemble = try Ensemble(networks)
        let right = try (0..<samples.count(of: .test)).count { index in
            let (input, label) = try samples.sample(index, of: .test)
            return try ensemble.predict(input).label == label
        }
        let evaluation = try ensemble.evaluate(on: samples)
        #expect(evaluation.correct == right && evaluation.total == 60)
        #expect(right > 0 && right < 60)
    }

    @Test("of networks that do not fit each other, or of none, is refused")
    func misfits() throws {
        let small = try Network([4, 3])
        #expect(description { _ = try Ensemble([]) } == "an ensemble has at least one network; give one")
        #expect(
            description { _ = try Ensemble([small, small, Network([5, 3])]) }
                == "network 2: takes 5 values and cannot be averaged with network 0, which takes 4; average networks of one "
                + "data set")
        #expect(
            description { _ = try Ensemble([small, Network([4, 2])]) }
                == "network 1: has 2 classes and cannot be averaged with network 0, which has 3; average networks of one "
                + "data set")
        var (one, other) = (small, small)
        try one.train(on: smallDataset(30), epochs: 0, batch: 5, learningRate: 1)
        try other.train(on: smallDataset(60), epochs: 0, batch: 5, learningRate: 1)
        // The first one was trained on nothing, so it goes with both of the others, which do not go together.
        #expect(
            description { _ = try Ensemble([small, one, other]) }
                == "network 2: was trained on other data than network 1; average networks of one data set")
        #expect(try Ensemble([small, one]).networks.count == 2)
        #expect(description { _ = try Ensemble([Network([5, 3])]).evaluate(on: smallDataset(30)) } != nil)
    }

    @Test("is read from model files, and errors name the file")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        let (first, second) = (try Network([4, 3], seed: 1), try Network([4, 5, 3], seed: 2))
        try first.save(to: path("first"))
        try second.save(to: path("second"))
        try Network([5, 3]).save(to: path("wide"))
        let ensemble = try Ensemble(contentsOf: [path("first"), path("second")])
        let input: [Float] = [1, 0, 0.5, 0]
        #expect(try ensemble.outputs(for: input) == Ensemble([first, second]).outputs(for: input))
        #expect(ensemble.classNames == ["0", "1", "2"])
        #expect(
            description { _ = try Ensemble(contentsOf: [path("first"), path("wide")]) }
                == "\(path("wide")): takes 5 values and cannot be averaged with \(path("first")), which takes 4; average "
                + "networks of one data set")
        let missing = #expect(throws: LockstepError.self) {
            try Ensemble(contentsOf: [path("first"), path("missing")])
        }
        #expect(missing?.kind == .file && missing?.description.hasPrefix(path("missing")) == true)
    }

    @Test("reads digits as its networks do together")
    func digits() throws {
        let networks = try [Network([784, 10], seed: 1), Network([784, 10], seed: 2)]
        let image = try Image(
            width: 20, height: 20,
            brightness: (0..<400).map { (8..<12).contains($0 % 20) && (40..<360).contains($0) ? 0 : 255 })
        let alone = try networks.map { try DigitReader($0).digit(in: image) }
        #expect(try DigitReader(Ensemble([networks[0]])).digit(in: image) == alone[0])
        let together = try DigitReader(Ensemble(networks))
        let digit = try together.digit(in: image)
        #expect(digit != alone[0] && digit != alone[1])
        #expect(try together.number(in: image) == [digit])
        #expect(throws: LockstepError.self) { try DigitReader(Ensemble([Network([4, 10])])) }
    }
}

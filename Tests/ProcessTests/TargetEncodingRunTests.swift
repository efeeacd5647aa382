import LockstepArtifacts
import LockstepTesting
import Testing

@Suite("Runs with other targets than one output for each class", .serialized, .oneAtATime)
struct TargetEncodingRunTests {
    /// A table of four classes in four corners, without a header.
    private func write(to folder: TemporaryFolder) throws {
        let lines = (0..<120).map { index in
            let label = index * 7 % 4
            let noise = Double(index * 37 % 30) / 100
            return "\(Double(label % 2) + noise),\(Double(label / 2) - noise),\(label)\n"
        }
        try folder.write(text: lines.joined(), to: "corners.csv")
        try folder.write(
            text: """
                name: corners
                data: { csv: corners.csv, label: last }
                network: { sizes: [2, 8, 4], activation: tanh, initializer: xavier }
                training: { epochs: 40, batch: 10 }
                optimizer: { sgd: { learning-rate: 2.0 } }
                """, to: "corners.yaml")
    }

    @Test(
        "learn, end with the same weights on workers, and name the answers",
        arguments: [("targets=binary", 2, "3"), ("targets={ is: 3 }", 1, "3")], ["quadratic", "cross-entropy"])
    func run(targets: (setting: String, outputs: Int, answer: String), cost: String) throws {
        let folder = try TemporaryFolder()
        try write(to: folder)
        func lockstep(_ arguments: String...) throws -> FinishedProcess {
            try Program.run(arguments, in: folder.path)
        }
        let settings = ["network.sizes=[2, 8, \(targets.outputs)]", targets.setting, "cost=\(cost)"]
        let options = settings.flatMap { ["--set", $0] } + ["--set", "optimizer.sgd.learning-rate=0.5"]
        let one = try Program.run(
            ["train", "corners.yaml", "--output", "one", "--shards", "2"] + options, in: folder.path)
        try #require(one.status == 0, "\(one)")
        let two = try Program.run(
            ["train", "corners.yaml", "--output", "two", "--workers", "2"] + options, in: folder.path)
        try #require(two.status == 0, "\(two)")
        let summaries = try ["one", "two"].map { try RunSummary.load(path: folder("\($0)/summary.json")) }
        #expect(summaries[0].weightsSHA256 == summaries[1].weightsSHA256)
        #expect(summaries[0].epochs.map(\.correct) == summaries[1].epochs.map(\.correct))
        #expect(try #require(summaries[0].finalCorrect) >= 18, "of 20")
        let evaluated = try lockstep("evaluate", "one/model.safetensors")
        #expect(evaluated.output.hasPrefix("\(try #require(summaries[0].finalCorrect)) / 20 "), "\(evaluated)")
        try folder.write(text: "1.1,0.9\n0.1,0.1\n", to: "new.csv")
        let answers = try lockstep("predict", "one", "new.csv").output.split(separator: "\n")
        #expect(answers.first?.hasPrefix("new.csv:1: \(targets.answer) ") == true, "\(answers)")
        #expect(answers.last?.hasPrefix("new.csv:2: \(targets.outputs == 1 ? "not 3" : "0") ") == true, "\(answers)")
    }

    @Test("are refused where the outputs do not fit, or are probabilities")
    func refusals() throws {
        let folder = try TemporaryFolder()
        try write(to: folder)
        func refused(_ settings: String...) throws -> String {
            let arguments = ["train", "corners.yaml", "--output", "no"] + settings.flatMap { ["--set", $0] }
            return try Program.run(arguments, in: folder.path).errors
        }
        #expect(try refused("targets=binary", "network.sizes=[2, 8, 1]").contains("give it 2"))
        #expect(try refused("targets={ is: 3 }").contains("the network has 4 outputs; give it 1"))
        #expect(
            try refused("targets=binary", "cost=cross-entropy", "network.output=softmax")
                .contains("needs 'network.output: sigmoid'"))
        #expect(try refused("targets=hot").contains("unknown targets 'hot'"))
    }
}

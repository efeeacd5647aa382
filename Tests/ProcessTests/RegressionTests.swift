import LockstepArtifacts
import LockstepTesting
import Testing

/// Networks that learn a number.
@Suite("Runs that learn numbers", .serialized, .oneAtATime)
struct RegressionTests {
    private let folder: TemporaryFolder

    /// A table whose price is 100 + 30 a - 20 b.
    init() throws {
        folder = try TemporaryFolder()
        let lines = (0..<120).map { index in
            let (a, b) = (Double(index * 37 % 120) / 12, Double(index * 71 % 120) / 40)
            return "\(a),\(b),\(100 + 30 * a - 20 * b)\n"
        }
        try folder.write(text: "a,b,price\n" + lines.joined(), to: "prices.csv")
        try folder.write(
            text: """
                name: prices
                data: { csv: prices.csv, target: price }
                network: { sizes: [2, 8, 1], activation: tanh, initializer: xavier }
                training: { epochs: 30, batch: 10 }
                optimizer: { sgd: { learning-rate: 0.05 } }
                """, to: "prices.yaml")
    }

    private func run(_ arguments: String...) throws -> FinishedProcess {
        try Program.run(arguments, in: folder.path)
    }

    @Test("report R² and cost, select by the validation cost, and answer in the table's unit")
    func learns() throws {
        let trained = try run("train", "prices.yaml", "--output", "run")
        try #require(trained.status == 0, "\(trained)")
        #expect(trained.output.contains("Epoch 0: R² ") && trained.output.contains("Selected: epoch "), "\(trained)")
        let summary = try RunSummary.load(path: folder("run/summary.json"))
        let last = try #require(summary.epochs.last)
        #expect(summary.bestCorrect == nil && summary.neverPredicted == nil && last.correct == nil)
        #expect(try #require(last.r2) > 0.98 && last.total == 20)
        let selected = try #require(summary.selectedEpoch)
        let costs = summary.epochs.compactMap(\.validationCost)
        #expect(costs[selected] == costs.min())
        let metrics = try text(of: folder("run/metrics.jsonl"))
        #expect(metrics.contains(#""test_correct":null"#) && metrics.contains(#""test_cost":0."#))

        let evaluated = try run("evaluate", "run")
        #expect(evaluated.status == 0 && evaluated.output.hasPrefix("R² 0.9"), "\(evaluated)")
        let all = try run("evaluate", "run", "--data", "prices.csv")
        #expect(all.output.hasPrefix("R² 0.9") && all.output.contains("120 samples"), "\(all)")
        try folder.write(text: "a,b\n5,1\nx,1\n", to: "new.csv")
        let answers = try run("predict", "run", "new.csv", "--json")
        let number = try #require(answers.output.firstMatch(of: /"prediction":([0-9.]+)/)).output.1
        #expect(abs(try #require(Double(number)) - 230) < 15, "\(answers)")
        #expect(answers.status == 65 && answers.output.contains("'x' is not a number"))
    }

    @Test("end with the same weights on workers, after a resumption, and with an early end")
    func exact() throws {
        let whole = try run("train", "prices.yaml", "--output", "whole", "--shards", "2")
        try #require(whole.status == 0, "\(whole)")
        let expected = try RunSummary.load(path: folder("whole/summary.json"))
        #expect(try run("train", "prices.yaml", "--output", "two", "--workers", "2").status == 0)
        let two = try RunSummary.load(path: folder("two/summary.json"))
        #expect(two.weightsSHA256 == expected.weightsSHA256 && two.epochs.map(\.r2) == expected.epochs.map(\.r2))
        #expect(try run("train", "prices.yaml", "--output", "part", "--shards", "2", "--epochs", "7").status == 0)
        #expect(try run("train", "prices.yaml", "--resume", "--output", "part").status == 0)
        #expect(try RunSummary.load(path: folder("part/summary.json")).weightsSHA256 == expected.weightsSHA256)
        let stopped = try run(
            "train", "prices.yaml", "--output", "early", "--epochs", "400", "--set",
            "training.early-stopping.patience=3")
        #expect(stopped.status == 0 && stopped.output.contains("without a lower validation cost"), "\(stopped)")
    }

    @Test("need a linear output and one number, and say so")
    func shapes() throws {
        func refused(_ settings: String...) throws -> String {
            let arguments = ["train", "prices.yaml", "--output", "no"] + settings.flatMap { ["--set", $0] }
            return try Program.run(arguments, in: folder.path).errors
        }
        #expect(try refused("network.output=sigmoid").contains("set network.output to linear"))
        #expect(try refused("network.sizes=[2,8,3]").contains("has one number to learn; give it one output"))
        #expect(try refused("cost=cross-entropy").contains("data.target"))
        #expect(
            try refused("data={ csv: prices.csv, label: price, target: price }").contains(
                "a network learns one of them"))
    }
}

import LockstepArtifacts
import LockstepTesting
import Testing

/// From a table, as its publisher ships it, to an answer with the name of a class.
@Suite("Answers of a network that was trained on a table", .serialized, .oneAtATime)
struct TablePredictionTests {
    private let folder: TemporaryFolder

    /// Trains on flowers without a header, sorted by their names, in the last column.
    init() throws {
        folder = try TemporaryFolder()
        let lines = (0..<90).map { index in
            let kind = index / 30
            let noise = Double(index * 37 % 30) / 30
            return "\(Double(kind) * 2 + noise),\(5 - Double(kind) + noise),\(["lily", "rose", "tulip"][kind])\n"
        }
        try folder.write(text: lines.joined(), to: "flowers.data")
        try folder.write(
            text: """
                name: flowers
                data: { csv: flowers.data }
                network: { sizes: [2, 8, 3] }
                cost: cross-entropy
                training: { epochs: 30, batch: 10 }
                optimizer: { sgd: { learning-rate: 0.5 } }
                """, to: "flowers.yaml")
        let trained = try run("train", "flowers.yaml", "--output", "run")
        try #require(trained.status == 0, "\(trained)")
        #expect(trained.errors.contains("its last column is the label, with lily, rose, tulip"))
        #expect(trained.errors.contains("its lines are sorted by class, and are shuffled"))
    }

    private func run(_ arguments: String...) throws -> FinishedProcess {
        try Program.run(arguments, in: folder.path)
    }

    @Test("the model and the summary have the classes' names, and evaluate and predict print them")
    func names() throws {
        let model = try ModelFile.load(folder("run/best.safetensors"))
        #expect(model.metadata.labels == ["lily", "rose", "tulip"])
        #expect(model.metadata.table != nil)
        #expect(try RunSummary.load(path: folder("run/summary.json")).classNames == ["lily", "rose", "tulip"])
        let evaluated = try run("evaluate", "run", "--verbose")
        #expect(evaluated.output.hasPrefix("15 / 15 "), "\(evaluated)")
        #expect(evaluated.errors.contains("answers by class: lily 5, rose 5, tulip 5"), "\(evaluated)")

        try folder.write(text: "0.5,5.5\n2.5,4.5,rose\n4.5,x\n4.5,3.5\n", to: "new.csv")
        let answers = try run("predict", "run", "new.csv")
        // The first line says that there is no label, so the second has a field too many.
        #expect(answers.output.split(separator: "\n").map { $0.prefix(15) } == ["new.csv:1: lily", "new.csv:4: tuli"])
        #expect(answers.status == 65 && answers.errorLines.count == 3, "\(answers)")
        #expect(answers.errors.contains("new.csv, line 3, column 2: 'x' is not a number"))
        #expect(answers.errors.contains("2 of 4 lines had a fault"))
    }

    @Test("another table is prepared as the model's own, and all its samples count")
    func otherTable() throws {
        try folder.write(text: "rose;2,5;4,5\nlily;0,5;5,5\nrose;4,5;3,5\n", to: "other.csv")
        let unnamed = try run("evaluate", "run", "--data", "other.csv")
        #expect(unnamed.status == 65 && unnamed.errors.contains("other.csv, line 1, column 1: 'rose' is not a number"))
        try folder.write(text: "2,5;4,5;rose\n0,5;5,5;lily\n4,5;3,5;rose\n", to: "other.csv")
        let evaluated = try run("evaluate", "run", "--data", "other.csv")
        #expect(evaluated.status == 0 && evaluated.output.hasPrefix("2 / 3 "), "\(evaluated)")
        try folder.write(text: "2,5;4,5;daisy\n", to: "other.csv")
        let unknown = try run("evaluate", "run", "--data", "other.csv")
        #expect(
            unknown.errors.contains("the model knows no class 'daisy'; its classes are lily, rose, tulip"), "\(unknown)"
        )
        let empty = try run("evaluate", ".")
        #expect(empty.status == 66 && empty.errors.contains("has neither best.safetensors nor model.safetensors"))
    }

    @Test("JSON has all outputs, and a faulty line's error")
    func json() throws {
        try folder.write(text: "0.5,5.5,lily\n,?,NA\n1\n", to: "new.csv")
        let answers = try run("predict", "run", "new.csv", "--json")
        let lines = answers.output.split(separator: "\n")
        try #require(lines.count == 3 && answers.status == 65, "\(answers)")
        #expect(lines[0].hasPrefix(#"{"class":"lily","confidence":0."#))
        #expect(lines[0].contains(#""file":"new.csv","label":"lily","line":1,"outputs":[{"class":"lily","output":0."#))
        #expect(lines[0].hasSuffix(#""right":true,"uncertain":false}"#))
        #expect(lines[1].contains(#""line":2"#) && !lines[1].contains("label"))
        #expect(lines[2].hasPrefix(#"{"error":"new.csv, line 3: 1 field, where 3 belong"#))
        let top = try run("predict", "run", "new.csv", "--top", "2")
        #expect(top.output.hasPrefix("new.csv:1: lily 0.") && top.output.contains(", rose 0."), "\(top)")
    }

    @Test("a table for a model of pictures, and pictures for a model of a table, are refused by name")
    func mixed() throws {
        try folder.write(text: "0.5,5.5\n", to: "new.csv")
        let mixed = try run("predict", "run", "new.csv", "digit.png")
        #expect(mixed.status == 64 && mixed.errors.contains("tables and pictures together"), "\(mixed)")
        let picture = try run("predict", "run", "digit.png")
        #expect(picture.status == 65 && picture.errors.contains("'lily'; give it a table"), "\(picture)")
    }
}

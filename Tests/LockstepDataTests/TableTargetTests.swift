import LockstepData
import LockstepTesting
import Testing

@Suite("Numbers to learn from a table")
struct TableTargetTests {
    private func load(_ text: String, _ change: (inout TableFiles) -> Void = { _ in }) throws -> Dataset {
        let folder = try TemporaryFolder()
        var files = TableFiles(
            path: try folder.write(text: text, to: "table.csv"), target: .last, scale: 1, shuffle: .never,
            validation: 0,
            test: 0)
        change(&files)
        return try DataSource.table(files).load(cache: DataCache(directory: folder.path))
    }

    private func targets(_ dataset: Dataset) -> [Float] {
        (0..<dataset.layout.sampleCount).map { dataset.target(of: $0) ?? .nan }
    }

    @Test("are standardised by the training samples, and their variances make R² of a cost")
    func standardised() throws {
        let dataset = try load("a,price\n1,100\n2,300\n3,200\n4,600\n") { $0.test = 2 }
        #expect(targets(dataset) == [-1, 1, 0, 4])
        #expect(dataset.description.hasTargets == true)
        #expect(dataset.description.targetVariances == [.training: 1, .test: 4])
        let column = try #require(dataset.description.table?.target)
        #expect(column.mean == 200 && column.deviation == 100 && column.number(of: 4) == 600)
        #expect(dataset.description.table?.inputSize == 1)
        try dataset.verifyDigest()
        let copy = try Dataset(
            description: dataset.description, bytes: dataset.bytes, owner: dataset)
        #expect(targets(copy) == targets(dataset))
    }

    @Test("of sorted lines are spread over all splits")
    func sorted() throws {
        let text = (0..<60).map { "\($0 % 7),\($0)\n" }.joined()
        let dataset = try load(text) { ($0.shuffle, $0.validation, $0.test) = (nil, nil, nil) }
        for split in Split.allCases {
            let signs = dataset.indices(of: split).map { targets(dataset)[$0] > 0 }
            #expect(signs.contains(true) && signs.contains(false))
        }
    }

    @Test("are refused with their line where they are missing, no numbers, or all equal")
    func faults() throws {
        func refusal(_ text: String, _ change: (inout TableFiles) -> Void = { _ in }) throws -> String {
            let error = try dataError { try load(text, change) }
            return error?.description.replacing(/^.*?\/(?=table\.csv)/, with: "") ?? "not refused"
        }
        #expect(
            try refusal("a,b\n1,2\n3,?\n")
                == "table.csv, line 3, column 2: the target is missing; fill it in, or remove the line")
        #expect(try refusal("a,b\n1,2\n3,x\n").contains("line 3, column 2: the target 'x' is not a number"))
        #expect(try refusal("a,b\n1,2\n3,2\n").contains("column 'b' is 2.0 in all training samples"))
        #expect(
            try refusal("a,b\n1,2\n3,1\n") { $0.target = .named("c") }.contains(
                "no column is called 'c'; there are a, b"))
    }

    @Test("of another table are prepared by the model's own")
    func otherTable() throws {
        let table = try #require(load("a,price\n1,100\n2,300\n").description.table)
        let folder = try TemporaryFolder()
        let path = try folder.write(text: "price;a\n250;7,5\n200;1\n", to: "other.csv")
        let dataset = try table.load(path, classes: [])
        #expect(targets(dataset) == [0.5, 0])
    }
}

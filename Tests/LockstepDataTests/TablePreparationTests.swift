import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("The preparation of a table")
struct TablePreparationTests {
    private func load(
        _ text: String, _ change: (inout TableFiles) -> Void = { _ in }, testText: String? = nil
    ) throws -> Dataset {
        let folder = try TemporaryFolder()
        var files = TableFiles(
            path: try folder.write(text: text, to: "table.csv"), label: .last, shuffle: .never, validation: 0, test: 0)
        if let testText { (files.testPath, files.test) = (try folder.write(text: testText, to: "test.csv"), nil) }
        change(&files)
        return try DataSource.table(files).load(cache: DataCache(directory: folder.path))
    }

    private func refusal(_ text: String, _ change: (inout TableFiles) -> Void = { _ in }) throws -> String {
        let error = try dataError { try load(text, change) }
        return error?.description.replacing(/^.*?\/(?=table\.csv)/, with: "") ?? "not refused"
    }

    private func rows(_ dataset: Dataset) -> [[Float]] {
        let size = dataset.description.inputSize
        return (0..<dataset.layout.sampleCount).map { sample in
            [Float](unsafeUninitializedCapacity: size) { buffer, filled in
                if let base = buffer.baseAddress { dataset.gather(sample..<sample + 1, into: base) }
                filled = size
            }
        }
    }

    @Test("each column is standardised by the mean and the deviation of the training samples alone")
    func standardisation() throws {
        let text = "a,b,c,label\n1,10,7,0\n3,30,7,1\n100,50,8,0\n"
        let dataset = try load(text) { $0.test = 1 }
        #expect(rows(dataset) == [[-1, -1, 0], [1, 1, 0], [98, 3, 1]])
        let columns = try #require(dataset.description.table).columns
        #expect(columns.map(\.mean) == [2, 20, 7, nil] && columns.map(\.deviation) == [1, 10, 1, nil])
        #expect(columns.map(\.name) == ["a", "b", "c", "label"] && columns[3].role == .label)
        // With a scale, from 0 to 1, and for pixels nothing is standardised.
        #expect(try rows(load(text) { $0.scale = 10 }) == [[0.1, 1, 0.7], [0.3, 3, 0.7], [10, 5, 0.8]])
        #expect(try rows(load("0.5,1,0\n0.25,0,1\n")) == [[0.5, 1], [0.25, 0]])
        #expect(try load("0,128,0\n255,7,1\n").description.table?.isBytes == true)
    }

    @Test("a column of texts becomes a value for each category, in the order of the texts' bytes")
    func categories() throws {
        let text = "color,size,label\nred,0.5,0\nblue,1,1\nred,0,0\ngreen,0.25,1\n"
        let dataset = try load(text) { $0.test = 1 }
        // The test sample's green is no category of the training samples: it counts as none.
        #expect(rows(dataset) == [[0, 1, 0.5], [1, 0, 1], [0, 1, 0], [0, 0, 0.25]])
        #expect(dataset.description.table?.columns[0].categories == ["blue", "red"])
        // Codes are numbers unless the configuration says otherwise.
        let codes = "3,0.5,0\n7,1,1\n3,0,0\n"
        #expect(try rows(load(codes) { $0.categories = [.first] }) == [[1, 0, 0.5], [0, 1, 1], [1, 0, 0]])
        #expect(try load(codes).description.inputSize == 2)
        let names = "name,a,label\n" + (0..<60).map { "n\($0),\($0 % 5),\($0 % 2)\n" }.joined()
        #expect(
            try refusal(names)
                == "table.csv: column 'name' has 60 different texts in 60 training samples, too many for categories; leave it "
                + "out: data.ignore: [name]")
        #expect(try load(names) { $0.ignore = [.named("name")] }.description.inputSize == 1)
    }

    @Test(
        "a missing number is the mean of the training samples, a missing text a category of its own",
        arguments: ["", "?", "NA", "N/A", "NaN", "nan", "null"])
    func missing(marker: String) throws {
        let text = "a,k,label\n1,x,0\n\(marker),y,1\n3,\(marker),0\n5,x,1\n\(marker),x,0\n"
        let dataset = try load(text) {
            ($0.scale, $0.test) = (2, 1)
        }
        #expect(rows(dataset) == [[0.5, 1, 0, 0], [1.5, 0, 1, 0], [1.5, 0, 0, 1], [2.5, 1, 0, 0], [1.5, 1, 0, 0]])
        // Standardised, the mean is 0.
        #expect(try rows(load(text))[1][0] == 0)
        // Pixels with a gap are no bytes.
        #expect(try load("0,200,0\n\(marker),7,1\n").description.element == .float32)
    }

    @Test("columns may be left out, and empty ones are")
    func ignored() throws {
        let dataset = try load("id,a,e,label\n71,0.5,,0\n12,1,?,1\n") { $0.ignore = [.named("id")] }
        #expect(rows(dataset) == [[0.5], [1]])
        #expect(dataset.description.notices.count == 1)
        #expect(dataset.description.notices.allSatisfy { $0.hasSuffix("column 'e' is empty, and left out") })
        #expect(
            try refusal("a,label\n1,0\n2,1\n") { $0.ignore = [.first] }.contains(
                "no column of values besides the label"))
        #expect(
            try refusal("a,label\n1,0\n2,1\n") { $0.ignore = [.last] }
                .contains("column 'label' is the label, and data.ignore has it"))
        #expect(
            try refusal("a,label\n1,0\n2,1\n") { $0.ignore = [.named("b")] }
                == "table.csv, line 1: no column is called 'b'; there are a, label")
    }

    @Test("a test table is prepared by the training table, its columns found by their names")
    func testTable() throws {
        let dataset = try load(
            "a,k,label\n1,x,p\n3,y,q\n", testText: "label,k,a\nq,y,5\np,z,?\n")
        #expect(rows(dataset) == [[-1, 1, 0], [1, 0, 1], [3, 0, 1], [0, 0, 0]])
        #expect((0..<4).map(dataset.label(of:)) == [0, 1, 1, 0])
    }

    @Test("lines that are sorted by class are shuffled, so that every split has every class in its share")
    func sorted() throws {
        let text = (0..<90).map { "\(Double($0) / 100),\($0 / 30)\n" }.joined()
        let dataset = try load(text) { ($0.shuffle, $0.validation, $0.test) = (nil, nil, nil) }
        for split in Split.allCases {
            let labels = dataset.indices(of: split).map(dataset.label(of:))
            #expect(
                (0..<3).map { label in labels.count { $0 == label } } == Array(repeating: labels.count / 3, count: 3))
        }
        #expect(Set(rows(dataset).map { $0[0] }).count == 90)
        #expect(dataset.description.notices.contains { $0.contains("are sorted by class, and are shuffled") })
        let again = try load(text) { ($0.shuffle, $0.validation, $0.test) = (.shuffled, nil, nil) }
        #expect(again.description.sha256 == dataset.description.sha256)
        let other = try load(text) { ($0.shuffle, $0.validation, $0.test) = (.seed(2), nil, nil) }
        #expect(other.description.sha256 != dataset.description.sha256)
        // Lines in a random order keep it.
        let mixed = (0..<90).map { "\(Double($0) / 100),\($0 * 7 % 3)\n" }.joined()
        let kept = try load(mixed) { ($0.shuffle, $0.validation, $0.test) = (nil, nil, nil) }
        #expect(rows(kept).map { $0[0] } == (0..<90).map { Float("\(Double($0) / 100)") })
    }

    @Test("workers are told nothing of it: the description that is sent has prepared samples")
    func encoding() throws {
        let dataset = try load("a,label\n1,0\n3,1\n")
        let copy = try JSONDecoder().decode(
            DatasetDescription.self, from: try JSONEncoder().encode(dataset.description))
        #expect(copy.table == nil && copy.notices.isEmpty && copy.sha256 == dataset.description.sha256)
    }

    @Test("that contradicts itself is refused")
    func consistency() throws {
        let good = try #require(load("a,k,label\n1,x,0\n3,y,1\n").description.table)
        #expect(good.isConsistent && good.inputSize == 3)
        for change in [
            { $0.scale = 0 }, { $0.scale = .nan }, { $0.columns[0].mean = .infinity }, { $0.columns[0].deviation = 0 },
            { $0.columns[0].mean = nil }, { $0.columns = [] }, { $0.columns[0].role = .label },
        ] as [(inout TablePreparation) -> Void] {
            var bad = good
            change(&bad)
            #expect(!bad.isConsistent)
        }
    }
}

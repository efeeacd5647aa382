import LockstepData
import LockstepTesting
import Testing

@Suite("The label of a table")
struct TableLabelTests {
    private func load(_ text: String, label: LabelColumn? = nil, ignore: [LabelColumn]? = nil) throws -> Dataset {
        let folder = try TemporaryFolder()
        let path = try folder.write(text: text, to: "table.csv")
        let files = TableFiles(
            path: path, label: label, scale: 1, ignore: ignore, shuffle: .never, validation: 0, test: 0)
        return try DataSource.table(files).load(cache: DataCache(directory: folder.path))
    }

    private func refusal(_ text: String, label: LabelColumn? = nil) throws -> String {
        let error = try dataError { try load(text, label: label) }
        return error?.description.replacing(/^.*?\/(?=table\.csv)/, with: "") ?? "not refused"
    }

    private func values(_ dataset: Dataset) -> [Float] {
        let count = dataset.layout.sampleCount
        return [Float](unsafeUninitializedCapacity: count * dataset.description.inputSize) { buffer, filled in
            if let base = buffer.baseAddress { dataset.gather(0..<count, into: base) }
            filled = buffer.count
        }
    }

    private func labels(_ dataset: Dataset) -> [Int] { (0..<dataset.layout.sampleCount).map(dataset.label(of:)) }

    @Test(
        "is found by its name in the first or the last column, in capitals or not",
        arguments: [
            "label,a,b\n0,3,4\n1,5,6\n", "a,b,Class\n3,4,0\n5,6,1\n", "TARGET;a;b\n0;3;4\n1;5;6\n",
            "a\tb\tspecies\n3\t4\t0\n5\t6\t1\n", "y,class,b\n0,3,4\n1,5,6\n".replacing("class", with: "a"),
        ])
    func byName(text: String) throws {
        let dataset = try load(text)
        #expect(values(dataset) == [3, 4, 5, 6])
        #expect(labels(dataset) == [0, 1])
        #expect(dataset.description.notices.isEmpty)
    }

    @Test("is asked for with the columns and the key where no name says it")
    func question() throws {
        #expect(
            try refusal("kind,a,b\n0,3,4\n1,5,6\n")
                == "table.csv: which column is the label? neither its first nor its last column is called label, class, "
                + "target, species, y; set data.label to first, last, a column's number or its name; there are kind, a, b"
        )
        // A label's name in the middle is a feature: the passenger class of the Titanic's table.
        #expect(try refusal("a,class,b\n0,3,4\n1,5,6\n").contains("which column is the label?"))
        #expect(try refusal("class,a,target\n0,3,4\n1,5,6\n").contains("both 'class' and 'target' may be its label"))
        let both = (0..<40).map { "\($0 % 2),\($0)0.5,\($0 % 3)\n" }.joined()
        #expect(try refusal(both).contains("both its first and its last column may be its label"))
        #expect(try refusal(both).hasSuffix("there are columns 1 to 3"))
        let neither = (0..<40).map { "\($0).5,\($0 % 2),\($0).25\n" }.joined()
        #expect(try refusal(neither).contains("neither its first nor its last column looks like classes"))
    }

    @Test("without a header is the one outer column that looks like classes, and a notice says so")
    func withoutHeader() throws {
        // A corner pixel that is always 0 is not the label; nor is a running number; nor is a measurement.
        for first in [{ _ in "0" }, { "\($0)" }, { "\($0).5" }] as [(Int) -> String] {
            let text = (0..<40).map { "\(first($0)),\($0)7,\($0 % 3)\n" }.joined()
            let dataset = try load(text)
            #expect(labels(dataset) == (0..<40).map { $0 % 3 })
            #expect(dataset.description.notices.contains { $0.contains("its last column is the label, with 0, 1, 2") })
        }
        let front = try load((0..<40).map { "\($0 % 2 + 1),\($0)7,\($0).5\n" }.joined())
        #expect(front.description.classNames == ["1", "2"] && labels(front).prefix(3) == [0, 1, 0])
        let names = try load((0..<40).map { "\($0).5,\($0)7,\($0 % 2 == 0 ? "rose" : "lily")\n" }.joined())
        #expect(names.description.classNames == ["lily", "rose"] && labels(names).prefix(3) == [1, 0, 1])
    }

    @Test("is refused where it is constant, counts the lines or is a measurement")
    func refusals() throws {
        func refused(_ label: (Int) -> String) throws -> String {
            try refusal("label,a\n" + (0..<40).map { "\(label($0)),\($0 % 7)\n" }.joined())
        }
        let remedy = "; set data.label to another column: first, last, its number or its name"
        #expect(
            try refused { _ in "0" } == "table.csv: column 'label' cannot be the label: it is '0' in every line"
                + remedy)
        #expect(try refused { _ in "rose" }.contains("it is 'rose' in every line"))
        #expect(try refused { "\($0)" }.contains("it counts the lines"))
        #expect(try refused { "\($0 + 1)" }.contains("it counts the lines"))
        #expect(try refused { "\($0 * $0)" }.contains("has 40 different numbers in 40 lines, as measurements have"))
        #expect(try refused { "\($0 % 5).5" }.contains("has the value '0.5', which is a measurement"))
        #expect(try refused { "name \($0)" }.contains("has 40 different texts in 40 lines"))
        #expect(
            try refusal("0,1\n0,2\n", label: .first).contains("column 1 cannot be the label: it is '0' in every line"))
    }

    @Test("may be texts, numbers from 1, negative numbers and numbers with gaps, whose names are kept")
    func names() throws {
        func names(_ labels: [String]) throws -> (names: [String], labels: [Int]) {
            let dataset = try load("label,a\n" + labels.map { "\($0),1\n" }.joined())
            return (dataset.description.classNames, self.labels(dataset))
        }
        #expect(try names(["Iris-b", "Iris-a", "Iris-b"]) == (["Iris-a", "Iris-b"], [1, 0, 1]))
        #expect(try names(["2", "1", "3", "1.0"]) == (["1", "2", "3"], [1, 0, 2, 0]))
        #expect(try names(["1", "-1"]) == (["-1", "1"], [1, 0]))
        #expect(try names(["7", "2", "7"]) == (["2", "7"], [1, 0, 1]))
        #expect(try names(["\"a, b\"", "c"]) == (["a, b", "c"], [0, 1]))
        #expect(try load("label,a\n0,1\n2,1\n").description.classNames == ["0", "1", "2"])
        #expect(!(try load("label,a\n0,1\n2,1\n")).description.namesClasses)
        #expect(
            try refusal("label,a\n0,1\n1,2\nrose,3\n").contains("line 4, column 1: the label 'rose' is not the number"))
    }

    @Test("is not the running number that pandas writes before it, which is left out with a notice")
    func indexColumn() throws {
        for name in ["", "Unnamed: 0"] {
            let dataset = try load("\(name),label,a\n0,1,5\n1,0,6\n2,1,7\n")
            #expect(values(dataset) == [5, 6, 7] && labels(dataset) == [1, 0, 1])
            #expect(dataset.description.notices.count == 1)
            #expect(dataset.description.notices.allSatisfy { $0.hasSuffix("counts the lines, and is left out") })
        }
        // A nameless column of other numbers is a feature.
        #expect(try load(",a,label\n0,1,1\n2,0,0\n").description.inputSize == 2)
        // Without a name, a column counts only where it is long.
        let rows = (0..<30).map { "\($0 + 1),\($0)7,\($0 % 2)\n" }
        #expect(try load(rows.joined(), label: .last).description.inputSize == 1)
        #expect(try load(rows.prefix(5).joined(), label: .last).description.inputSize == 2)
        #expect(try load("id,a,label\n" + rows.joined()).description.inputSize == 1)
        #expect(try load("age,a,label\n" + rows.joined()).description.inputSize == 2)
    }

    @Test("a first line is a header where it has texts above numbers, or texts that do not come again")
    func headers() throws {
        #expect(try load("label,0,1\n0,5,6\n1,7,8\n").layout.sampleCount == 2)
        #expect(try load("5.1,3.5,rose\n4.9,3.0,lily\n", label: .last).layout.sampleCount == 2)
        #expect(try load("a,b,class\nx,u,p\ny,v,q\nx,v,p\n").layout.sampleCount == 3)
        #expect(try load("x,u,p\ny,v,q\nx,v,p\n", label: .last).layout.sampleCount == 3)
    }
}

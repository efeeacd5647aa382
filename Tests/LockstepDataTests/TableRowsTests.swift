import LockstepData
import LockstepTesting
import Testing

@Suite("Lines of a table for a trained model")
struct TableRowsTests {
    private let folder: TemporaryFolder
    private let table: TablePreparation

    init() throws {
        folder = try TemporaryFolder()
        let path = try folder.write(
            text: "id,a,k,label\n7,1,x,p\n9,3,y,q\n8,2,x,p\n", to: "table.csv")
        let files = TableFiles(
            path: path, label: .last, scale: 2, ignore: [.first], shuffle: .never, validation: 0, test: 0)
        table = try #require(DataSource.table(files).load(cache: DataCache(directory: folder.path)).description.table)
    }

    private func rows(_ text: String) throws -> [TableRows.Row] {
        let rows = try TableRows(path: try folder.write(text: text, to: "rows.csv"), table)
        var result: [TableRows.Row] = []
        while let row = try rows.next() { result.append(row) }
        return result
    }

    @Test(
        "are found by the names of their columns or by their places, with the label or without",
        arguments: [
            "id,a,k,label\n1,4,y,q\n", "k;a\ny;4,0\n", "1,4,y,q\n", "1,4,y\n", "4,y\n",
            "extra,label,k,a,id\n?,q,y,4,1\n",
            "h1,h2,h3\n1,4,y\n",
        ])
    func columns(text: String) throws {
        let rows = try rows(text)
        #expect(rows.map(\.values) == [[2, 0, 1]])
        #expect(rows.allSatisfy { $0.fault == nil && ($0.label ?? "q") == "q" })
    }

    @Test("with a fault do not end the others")
    func faults() throws {
        let rows = try rows("a,k\n4,y\nfour,y\n4\n\"4,y\n6,x\n?,z\n")
        #expect(rows.map(\.line) == [2, 3, 4, 5, 6, 7])
        #expect(rows.map(\.values) == [[2, 0, 1], [], [], [], [3, 1, 0], [1, 0, 0]])
        let messages = rows.map { $0.fault?.description.split(separator: "rows.csv").last ?? "" }
        #expect(messages[1] == ", line 3, column 1: 'four' is not a number")
        #expect(messages[2].hasPrefix(", line 4: 1 field, where 2 belong"))
        #expect(messages[3].hasPrefix(", line 5, column 1: a quoted field that does not end on its line"))
        #expect(rows[5].unknown == ["'z' in column 'k'"])
    }

    @Test("need the columns that the model was trained on")
    func missingColumn() throws {
        let error = try dataError { try rows("a,b\n4,y\n") }
        #expect(
            error?.description.contains("line 1: the header lacks column 'k', which the model was trained on") == true)
        // Lines of another width are faults of their own.
        #expect(try rows("1,2,3,4,5\n4,y\n").map { $0.fault == nil } == [false, true])
    }

    @Test("with labels are a data set in the model's own classes and values")
    func evaluation() throws {
        func load(_ text: String) throws -> Dataset {
            try table.load(try folder.write(text: text, to: "rows.csv"), classes: ["p", "q"])
        }
        let dataset = try load("label,k,a\nq,x,4\nq,y,2\n")
        #expect((0..<2).map(dataset.label(of:)) == [1, 1] && dataset.description.classCount == 2)
        let unknown = try dataError { try load("label,k,a\nr,x,4\n") }
        #expect(
            unknown?.description.hasSuffix("rows.csv, line 2: the model knows no class 'r'; its classes are p, q")
                == true)
        let unlabelled = try dataError { try load("k,a\nx,4\n") }
        #expect(unlabelled?.description.contains("it has no column 'label'; give a table with the labels") == true)
        #expect(TablePreparation.classIndex(of: "2.0", names: ["1", "2"]) == 1)
    }
}

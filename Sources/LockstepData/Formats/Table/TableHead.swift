import LockstepSystem
import LockstepText

/// What the first lines of a table say: its columns, their names, and where its samples begin.
struct TableHead {
    /// The largest number of values of a sample.
    static let largestInputSize = 1 << 20
    static let largestColumnCount = largestInputSize + 1
    /// Bytes of a field that an error quotes.
    static let quotedLength = 40
    /// Column names that an error lists.
    private static let listedNames = 12
    /// Lines after the first that show whether it is a header.
    private static let comparedLines = 100

    let source: TableSource
    let columnCount: Int
    /// The names in the first line; nil if it is a sample.
    let names: [String]?
    /// The number of the first line.
    let line: Int

    /// Reads the first lines of a file.
    ///
    /// The first line is a header if it has texts where all others have numbers; or, in a table of texts alone, if none of its
    /// texts occurs again in its column.
    ///
    /// - Parameters:
    ///   - source: The file.
    ///   - hasNamedColumns: Whether the configuration names columns of it, so that the first line must have names.
    /// - Throws: ``DataError`` if it is damaged or has fewer than two columns.
    init(_ source: TableSource, hasNamedColumns: Bool) throws(DataError) {
        let (input, path) = (try source.open(), source.path)
        var first: [String] = []
        var isNumber: [Bool] = []
        _ = try input.readLine { column, field throws(DataError) in
            guard column <= Self.largestColumnCount else {
                throw DataError(
                    .tooLarge(what: "the number of columns", found: column, limit: Self.largestColumnCount),
                    subject: path)
            }
            first.append(String(decoding: field, as: UTF8.self))
            isNumber.append(tableNumber(field, decimalMark: input.decimalMark) != nil)
        }
        guard !first.isEmpty else { throw DataError(.noSamples, subject: path) }
        guard first.count > 1 else {
            throw input.malformed(
                "only one column", remedy: "put commas, semicolons or tabs between the label and the values")
        }
        self.source = source
        line = input.line
        columnCount = first.count
        let comparison = try Comparison(first, isNumber, with: input)
        names = hasNamedColumns || comparison.firstIsHeader ? first : nil
        guard hasNamedColumns, !comparison.firstIsHeader, isNumber.contains(true) else { return }
        // A line of numbers has no names, whatever the configuration says.
        if isNumber.allSatisfy({ $0 }) {
            throw fault(
                "its first line holds no names", remedy: "give the columns in data by their numbers, counted from 1")
        }
    }

    /// The first line compared with those that follow it.
    private struct Comparison {
        let firstIsHeader: Bool

        init(_ first: [String], _ isNumber: [Bool], with input: TableInput) throws(DataError) {
            var numbers = [Int](repeating: 0, count: first.count)
            var texts = numbers
            var recurs = false
            for _ in 0..<TableHead.comparedLines {
                let count: Int
                do throws(DataError) {
                    count = try input.readLine { column, field throws(DataError) in
                        guard column <= first.count, !LockstepData.isMissing(field) else { return }
                        if tableNumber(field, decimalMark: input.decimalMark) != nil {
                            numbers[column - 1] += 1
                        } else {
                            texts[column - 1] += 1
                            if !recurs { recurs = field.elementsEqual(first[column - 1].utf8) }
                        }
                    }
                } catch {
                    // The survey of all lines finds the fault again, and reports it.
                    break
                }
                if count == 0 { break }
            }
            let isText = first.indices.map { !isNumber[$0] && !Self.isMissing(first[$0]) }
            let hasNamedNumber = first.indices.contains { isText[$0] && numbers[$0] > 0 && texts[$0] == 0 }
            if hasNamedNumber {
                // Names may be numbers that count the columns; other numbers are values of a sample with a fault.
                let counted = first.indices.filter { isNumber[$0] }.map { Double(first[$0]) }
                firstIsHeader =
                    zip(counted, counted.dropFirst()).allSatisfy { $0.map { $0 + 1 } == $1 }
                    && (counted.isEmpty || counted.count > 1)
            } else {
                let isAllText = !isNumber.contains(true) && isText.contains(true)
                firstIsHeader = isAllText && (!recurs || TableHead.isLabelName(first[first.count - 1]))
            }
        }

        private static func isMissing(_ text: String) -> Bool {
            var text = text
            return text.withUTF8 { LockstepData.isMissing($0) }
        }
    }

    /// What errors call the file.
    var path: String { source.path }

    /// The names by which a label's column is found, in capitals or not.
    static let labelNames = ["label", "class", "target", "species", "y"]

    static func isLabelName(_ name: String) -> Bool { labelNames.contains(name.lowercased()) }

    /// The index of a column that the configuration names or numbers.
    ///
    /// - Throws: ``DataError`` if the table has no such column.
    func index(of column: LabelColumn) throws(DataError) -> Int {
        switch column {
        case .first: return 0
        case .last: return columnCount - 1
        case .number(let number):
            guard number <= columnCount else {
                throw fault("it has no column \(number)", remedy: "choose 1 to \(columnCount)")
            }
            return number - 1
        case .named(let name):
            guard let index = names?.firstIndex(of: name) else {
                throw fault(
                    "no column is called '\(name.printable(limit: Self.quotedLength))'", remedy: "there are \(list)")
            }
            return index
        }
    }

    /// The names of the first columns, for an error.
    var list: String {
        guard let names else { return "columns 1 to \(columnCount)" }
        return names.prefix(Self.listedNames).map { $0.printable(limit: Self.quotedLength) }.joined(separator: ", ")
            + (columnCount > Self.listedNames ? ", ..." : "")
    }

    /// "column 'sepal length'", or by its number from 1.
    func title(ofColumn index: Int) -> String {
        guard let name = names?[index], !name.isEmpty else { return "column \(index + 1)" }
        return "column '\(name.printable(limit: Self.quotedLength))'"
    }

    /// An error about the first line.
    func fault(_ text: String, remedy: String) -> DataError {
        var error = DataError(.malformedTable(text), subject: path, remedy: remedy)
        error.line = line
        return error
    }
}

import LockstepSystem
import LockstepText

/// The shape of a table, from its first line.
struct TableShape {
    let columnCount: Int
    /// Counted from 1.
    let labelColumn: Int
    /// Whether the first line is a header: its label is not a number.
    let hasHeader: Bool

    /// The largest number of values of a sample.
    static let largestInputSize = 1 << 20
    /// Bytes of a field that an error quotes.
    static let quotedLength = 40
    /// Column names that an error lists.
    private static let listedNames = 8

    /// Values of a sample.
    var inputSize: Int { columnCount - 1 }

    /// Reads the first line of a file.
    ///
    /// - Throws: ``DataError`` if it has fewer than two columns, or not the column `label`.
    init(path: String, label: LabelColumn) throws(DataError) {
        let input = try TableInput(path: path)
        var isNumber = false
        var isLabelNumber = false
        var numbers = 0
        var found: Int?
        var names: [String] = []
        let columnCount = try input.readLine { column, field throws(DataError) in
            guard column <= Self.largestInputSize + 1 else {
                throw DataError(
                    .tooLarge(what: "the number of columns", found: column, limit: Self.largestInputSize + 1),
                    subject: path)
            }
            isNumber = tableNumber(field) != nil
            if isNumber { numbers += 1 }
            switch label {
            case .first where column == 1: (found, isLabelNumber) = (column, isNumber)
            case .last: (found, isLabelNumber) = (column, isNumber)
            case .number(column): (found, isLabelNumber) = (column, isNumber)
            case .named(let name) where found == nil && field.elementsEqual(name.utf8): found = column
            default: break
            }
            if names.count < Self.listedNames { names.append(String(printable: field, limit: Self.quotedLength)) }
        }
        guard columnCount > 0 else { throw DataError(.noSamples, subject: path) }
        guard columnCount > 1 else {
            throw input.malformed(
                "only one column", remedy: "put commas, semicolons or tabs between the label and the values")
        }
        guard let found else {
            let list = names.joined(separator: ", ") + (columnCount > names.count ? ", ..." : "")
            if case .named(let name) = label {
                throw input.malformed(
                    "no column is called '\(name.printable(limit: Self.quotedLength))'",
                    remedy: numbers == columnCount
                        ? "its first line holds no names: give the label's column as a number" : "there are \(list)")
            }
            throw input.malformed("it has no column \(label.text)", remedy: "choose 1 to \(columnCount)")
        }
        self.columnCount = columnCount
        labelColumn = found
        if case .named = label { hasHeader = true } else { hasHeader = !isLabelNumber }
    }
}

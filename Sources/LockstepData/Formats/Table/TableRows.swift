import LockstepSystem
import LockstepText

/// Reads lines of a table as samples of a trained model, in the way in which the model's own table was read.
///
/// The columns are found by the names in a header line, or by their places. The label's column may be missing, and so may
/// columns that the model does not use. A line with a fault is a row with a fault: the lines after it are still read.
package final class TableRows {
    /// A line of the table.
    package struct Row: Sendable {
        /// Its number in the file, counted from 1.
        package let line: Int
        /// The values that enter the network; empty if the line has a fault.
        package let values: [Float]
        /// The text in the label's column; nil if there is none.
        package let label: String?
        /// What is wrong with the line; nil: nothing.
        package let fault: DataError?
        /// Texts of category columns that no training sample had, as in "'rose' in column 'kind'": they count as no category.
        package let unknown: [String]
    }

    private let preparation: TablePreparation
    private let input: TableInput
    /// The names of the classes that the labels number; nil: labels are what they are.
    private let labelNames: [String]?
    /// The first value of each column of the model's table.
    private let offsets: [Int]
    private let inputSize: Int
    /// The column of the model's table that each field is, nil for fields without use; nil before the first line.
    private var columns: [Int?]?
    /// A first line that is no header, which is the next row.
    private var pending: [String]?

    /// Opens a file of text, plain or gzipped, or of numpy arrays: all their samples.
    package convenience init(path: String, _ preparation: TablePreparation) throws(DataError) {
        let source = try TableSource(path: path).all
        self.init(try source.open(), preparation, labelNames: source.classNames)
    }

    /// Reads what another program writes to standard input, line by line.
    package convenience init(standardInput preparation: TablePreparation) throws(DataError) {
        let name = "standard input"
        let descriptor: FileDescriptor
        do throws(SystemError) {
            descriptor = try FileDescriptor(duplicating: 0)
        } catch {
            throw DataError(system: error.code, subject: name)
        }
        let box = DescriptorBox(descriptor)
        self.init(
            try TableInput(path: name) { (bytes) throws(DataError) in
                do throws(SystemError) {
                    return try box.descriptor.read(into: bytes)
                } catch {
                    throw DataError(system: error.code, subject: name)
                }
            }, preparation)
    }

    private final class DescriptorBox {
        let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    private init(_ input: TableInput, _ preparation: TablePreparation, labelNames: [String]? = nil) {
        self.input = input
        self.labelNames = labelNames
        self.preparation = preparation
        var end = 0
        offsets = preparation.columns.map { column in
            defer { end += column.width }
            return end
        }
        inputSize = end
    }

    /// Whether a column of the table is the label's, as far as lines have been read.
    var hasLabels: Bool { columns?.contains { $0.map { preparation.columns[$0].role == .label } ?? false } ?? false }

    /// The number that a field has; nil if it has none.
    func number(_ field: String) -> Float? {
        var text = field
        return text.withUTF8 { tableNumber($0, decimalMark: input.decimalMark) }
    }

    /// What errors call the table.
    package var path: String { input.path }

    /// The next row; nil after the last one.
    ///
    /// - Throws: ``DataError`` if the file cannot be read, or its header lacks columns of the model's table.
    package func next() throws(DataError) -> Row? {
        let fields: [String]
        if let first = pending {
            fields = first
            pending = nil
        } else {
            do throws(DataError) {
                guard let found = try input.readFields() else { return nil }
                fields = found
            } catch {
                guard case .malformedTable = error.reason else { throw error }
                try input.skipLine()
                return Row(line: input.line, values: [], label: nil, fault: error, unknown: [])
            }
        }
        guard let columns else {
            if try readHeader(fields) { return try next() }
            // A first line of another width has a fault, and says nothing of those that follow.
            guard let places = places(ofFields: fields.count) else { return wrongWidth(fields) }
            if isHeader(fields, places) {
                columns = places
                return try next()
            }
            columns = places
            return row(fields, places)
        }
        return fields.count == columns.count ? row(fields, columns) : wrongWidth(fields)
    }

    /// Finds the columns by the names in the first line.
    ///
    /// - Returns: Whether the line has names of the model's table.
    private func readHeader(_ fields: [String]) throws(DataError) -> Bool {
        let names = preparation.columns.map(\.name)
        let needed = preparation.columns.indices.filter { preparation.columns[$0].role == .value }
        guard needed.allSatisfy({ names[$0] != nil }) else { return false }
        var places: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            if let name, places.updateValue(index, forKey: name) != nil, preparation.columns[index].role == .value {
                // Two columns of one name are told apart by their places alone.
                return false
            }
        }
        let found = fields.map { places[$0] }
        let missing = needed.filter { !found.contains($0) }
        guard missing.count < needed.count, 2 * missing.count <= needed.count else { return false }
        if let first = missing.first {
            // Values may be equal to names, as 1 is; then a line is not one of names.
            guard fields.allSatisfy({ Double($0) == nil }) else { return false }
            throw input.malformed(
                "the header lacks \(preparation.title(ofColumn: first)), which the model was trained on",
                remedy: "give all columns of the model's table; the label's may be missing")
        }
        columns = found
        return true
    }

    /// The columns of the fields of a line without names; nil if a line of so many fields is no sample.
    private func places(ofFields count: Int) -> [Int?]? {
        let all = Array(preparation.columns.indices)
        let unlabelled = all.filter { preparation.columns[$0].role != .label }
        let needed = all.filter { preparation.columns[$0].role == .value }
        return [all, unlabelled, needed].first { $0.count == count }
    }

    /// Whether a line has no number where the model's table has numbers.
    private func isHeader(_ fields: [String], _ places: [Int?]) -> Bool {
        let numbers = zip(fields, places).filter { _, place in
            place.map { preparation.columns[$0].role == .value && preparation.columns[$0].categories == nil } ?? false
        }
        guard !numbers.isEmpty else { return false }
        return numbers.allSatisfy { field, _ in
            var text = field
            return text.withUTF8 { tableNumber($0, decimalMark: input.decimalMark) == nil && !isMissing($0) }
        }
    }

    private func wrongWidth(_ fields: [String]) -> Row {
        let widths = Set([
            preparation.columns.count, preparation.columns.count { $0.role != .label },
            preparation.columns.count { $0.role == .value },
        ]).sorted().map(String.init)
        let expected = columns.map { "\($0.count)" } ?? widths.joined(separator: " or ")
        return Row(
            line: input.line, values: [], label: nil,
            fault: input.malformed(
                "\(fields.count) \(fields.count == 1 ? "field" : "fields"), where \(expected) belong",
                remedy: "give every line all columns of the model's table; the label's may be missing"),
            unknown: [])
    }

    private func name(ofLabel text: String) -> String {
        guard let labelNames, let number = Int(text), labelNames.indices.contains(number) else { return text }
        return labelNames[number]
    }

    private func row(_ fields: [String], _ columns: [Int?]) -> Row {
        var values = [Float](repeating: 0, count: inputSize)
        var label: String?
        var unknown: [String] = []
        var fault: DataError?
        for (index, field) in fields.enumerated() where fault == nil {
            guard let column = columns[index] else { continue }
            switch preparation.columns[column].role {
            case .ignored: break
            case .label:
                var text = field
                if !text.withUTF8({ isMissing($0) }) { label = name(ofLabel: field) }
            case .value:
                var text = field
                let problem = text.withUTF8 { bytes in
                    values.withUnsafeMutableBufferPointer { values in
                        values.baseAddress.flatMap {
                            preparation.write(
                                bytes, ofColumn: column, decimalMark: input.decimalMark, to: $0 + offsets[column])
                        }
                    }
                }
                if let problem { fault = input.malformed(problem, column: index + 1) }
                if preparation.columns[column].categories?.contains(field) == false, !text.withUTF8({ isMissing($0) }) {
                    let quoted = field.printable(limit: TableHead.quotedLength)
                    unknown.append("'\(quoted)' in \(preparation.title(ofColumn: column))")
                }
            }
        }
        return Row(line: input.line, values: fault == nil ? values : [], label: label, fault: fault, unknown: unknown)
    }
}

extension TablePreparation {
    /// Reads all samples of a table, with their labels, as the training samples of a data set.
    ///
    /// - Parameters:
    ///   - path: The table; it has the label's column.
    ///   - classes: The names of the model's classes.
    /// - Returns: The data set.
    /// - Throws: ``DataError`` for the first line with a fault, and for a label that the model does not know.
    package func load(_ path: String, classes: [String]) throws(DataError) -> Dataset {
        let rows = try TableRows(path: path, self)
        var values: [Float] = []
        var labels: [UInt16] = []
        var targets: [Float] = []
        var indices: [String: Int] = [:]
        while let row = try rows.next() {
            if let fault = row.fault { throw fault }
            guard let label = row.label else {
                guard !rows.hasLabels else {
                    throw DataError(
                        .malformedTable("the label is missing in line \(row.line)"), subject: path,
                        remedy: "fill it in, or remove the line")
                }
                throw DataError(
                    .malformedTable("it has no \(labelColumn.map { title(ofColumn: $0) } ?? "column of labels")"),
                    subject: path, remedy: "give a table with the labels, or use lockstep predict")
            }
            if let target {
                guard let number = rows.number(label).flatMap({ target.standardised($0) }) else {
                    var error = DataError(
                        .malformedTable(
                            "the target '\(label.printable(limit: TableHead.quotedLength))' is not a number"),
                        subject: path)
                    error.line = row.line
                    throw error
                }
                targets.append(number)
                labels.append(0)
                values += row.values
                continue
            }
            guard let index = indices[label] ?? Self.classIndex(of: label, names: classes) else {
                var error = DataError(
                    .malformedTable(
                        "the model knows no class '\(label.printable(limit: TableHead.quotedLength))'"),
                    subject: path,
                    remedy: "its classes are "
                        + classes.prefix(12).map { $0.printable(limit: TableHead.quotedLength) }.joined(separator: ", ")
                        + (classes.count > 12 ? ", ..." : ""))
                error.line = row.line
                throw error
            }
            indices[label] = index
            labels.append(UInt16(truncatingIfNeeded: index))
            values += row.values
        }
        guard !labels.isEmpty else { throw DataError(.noSamples, subject: path) }
        return try Dataset.make(
            name: path.split(separator: "/").last.map(String.init) ?? path, inputSize: inputSize, features: values,
            labels: labels, targets: target == nil ? nil : targets, classCount: max(2, classes.count))
    }
}

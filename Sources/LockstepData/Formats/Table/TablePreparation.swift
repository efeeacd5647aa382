import LockstepText

/// How the fields of a table's lines become the values of samples: its columns, and what the training samples said of each.
///
/// It is made once, when the table is read, and kept in the models that are trained on it, so that other tables and single
/// lines are prepared in the same way. The samples that workers receive are prepared already.
package struct TablePreparation: Codable, Hashable, Sendable {
    /// What a column is for.
    package enum Role: String, Codable, Sendable {
        case value, label, ignored
    }

    /// A column of the table.
    package struct Column: Codable, Hashable, Sendable {
        /// Its name in the header line; nil without a header.
        package var name: String?
        package var role: Role
        /// The mean of a number column over the training samples, which stands where a value is missing.
        package var mean: Double?
        /// The standard deviation by which a standardised column is divided once its mean is subtracted; nil where values are
        /// only divided by ``TablePreparation/scale``.
        package var deviation: Double?
        /// The texts of a category column, in the order of its values: 1 for the sample's own text, 0 for the others.
        package var categories: [String]?
        /// Whether a category column has one value more, which is 1 where the text is missing.
        package var hasMissing: Bool?

        package init(
            name: String?, role: Role, mean: Double? = nil, deviation: Double? = nil, categories: [String]? = nil,
            hasMissing: Bool? = nil
        ) {
            self.name = name
            self.role = role
            self.mean = mean
            self.deviation = deviation
            self.categories = categories
            self.hasMissing = hasMissing
        }

        /// The number of a sample's values that come from this column.
        package var width: Int {
            guard role == .value else { return 0 }
            return categories.map { $0.count + (hasMissing == true ? 1 : 0) } ?? 1
        }

        /// The standardised form of a number of the target's column; nil if it is too large.
        func standardised(_ number: Float) -> Float? {
            let value = Float((Double(number) - (mean ?? 0)) / (deviation ?? 1))
            return value.isFinite ? value : nil
        }

        /// The number of the target's column that a network's output stands for.
        package func number(of output: Float) -> Double { Double(output) * (deviation ?? 1) + (mean ?? 0) }

        private enum CodingKeys: String, CodingKey {
            case name, role, mean, deviation, categories
            case hasMissing = "has_missing"
        }
    }

    /// All columns, in the table's order.
    package var columns: [Column]
    /// What the values of columns without a deviation are divided by.
    package var scale: Double
    /// Whether values are bytes b that enter the network as b times the float32 nearest to 1/255.
    package var isBytes: Bool
    /// The names of the classes, in the order of the network's outputs; nil: their numbers from 0.
    package var classes: [String]?

    package init(columns: [Column], scale: Double, isBytes: Bool, classes: [String]?) {
        self.columns = columns
        self.scale = scale
        self.isBytes = isBytes
        self.classes = classes
    }

    private enum CodingKeys: String, CodingKey {
        case columns, scale, classes
        case isBytes = "bytes"
    }

    /// The number of a sample's values.
    package var inputSize: Int { columns.reduce(0) { $0 + $1.width } }

    /// The column of the numbers that the network learns; nil if it tells classes apart.
    package var target: Column? { columns.first { $0.role == .label && $0.deviation != nil } }

    /// The index of the label's column; nil if the table has none.
    package var labelColumn: Int? { columns.firstIndex { $0.role == .label } }

    /// Whether a table can have these columns; a model file may say anything.
    package var isConsistent: Bool {
        guard scale.isFinite, scale > 0, columns.count <= TableHead.largestColumnCount, labelCount <= 1 else {
            return false
        }
        var size = 0
        for column in columns {
            guard column.mean?.isFinite != false, column.deviation.map({ $0.isFinite && $0 > 0 }) != false,
                column.deviation == nil || column.mean != nil
            else { return false }
            size += column.width
        }
        return size > 0 && size <= TableHead.largestInputSize
    }

    private var labelCount: Int { columns.count { $0.role == .label } }

    /// "column 'sepal length'", or by its number from 1.
    func title(ofColumn index: Int) -> String {
        guard let name = columns[index].name, !name.isEmpty else { return "column \(index + 1)" }
        return "column '\(name.printable(limit: TableHead.quotedLength))'"
    }
}

extension TablePreparation {
    /// Writes the values of a field of a number column or of a category column.
    ///
    /// - Parameters:
    ///   - field: The field's text, without blanks around it.
    ///   - column: The column's index.
    ///   - decimalMark: The byte that may stand in place of a number's point.
    ///   - values: Receives the column's values, as many as its width; all are zeros before.
    /// - Returns: The field's fault, as in "'x' is not a number"; nil if it has none.
    func write(
        _ field: UnsafeBufferPointer<UInt8>, ofColumn column: Int, decimalMark: UInt8,
        to values: UnsafeMutablePointer<Float>
    ) -> String? {
        let outline = columns[column]
        if let categories = outline.categories {
            let text = String(decoding: field, as: UTF8.self)
            if let index = categories.firstIndex(of: text) {
                values[index] = 1
            } else if isMissing(field), outline.hasMissing == true {
                values[categories.count] = 1
            }
            return nil
        }
        let number: Float
        if isMissing(field) {
            guard let mean = outline.mean else { return "a value is missing" }
            number = Float(mean)
        } else {
            guard let found = tableNumber(field, decimalMark: decimalMark) else {
                return "'\(String(printable: field, limit: TableHead.quotedLength))' is not a number"
            }
            number = found
        }
        let value = prepared(number, outline)
        values[0] = value
        return value.isFinite
            ? nil : "'\(String(printable: field, limit: TableHead.quotedLength))' is too large for float32"
    }

    /// The value that enters the network for a number of a column.
    @inline(__always)
    func prepared(_ number: Float, _ column: Column) -> Float {
        if let deviation = column.deviation, let mean = column.mean {
            return Float((Double(number) - mean) / deviation)
        }
        if isBytes, let byte = UInt8(exactly: number) { return Float(byte) * (1 / 255) }
        return number / Float(scale)
    }

    /// The class of a label's text; nil if there is no such class among `names`.
    package static func classIndex(of label: String, names: [String]) -> Int? {
        if let index = names.firstIndex(of: label) { return index }
        // 1.0 and 1 are the same class.
        guard let number = Double(label), number.isFinite else { return nil }
        return names.firstIndex { Double($0) == number }
    }
}

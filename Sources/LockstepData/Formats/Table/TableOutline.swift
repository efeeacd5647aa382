import LockstepText

/// What the columns of a table are for, once all lines have been surveyed.
struct TableOutline {
    var preparation: TablePreparation
    /// What the user should know about how the table is read.
    var notices: [String]
    /// The form in which samples are stored.
    let element: DatasetElement
    /// Whether number columns are standardised.
    let isStandardised: Bool

    /// - Throws: ``DataError`` for columns that are not there, and for fields that do not belong in their columns.
    init(_ table: TableFile, _ testTable: TableFile?, _ files: TableFiles) throws(DataError) {
        let head = table.head
        var notices = table.labelNotice.map { [$0] } ?? []
        let ignored = try Self.ignored(table, files, &notices)
        let forced = try Self.indices(files.categories, head)
        var columns: [TablePreparation.Column] = []
        columns.reserveCapacity(head.columnCount)
        var isFilled = true
        var (holdsBytes, isUnit, largest) = (true, true, -Float.infinity)
        let testColumns = testTable.map { test in Self.byFirstFile(test) }
        for (index, statistics) in table.survey.columns.enumerated() {
            var column = TablePreparation.Column(name: head.names?[index], role: .value)
            defer { columns.append(column) }
            if index == table.labelColumn || ignored.contains(index) {
                column.role = index == table.labelColumn ? .label : .ignored
                continue
            }
            let test = testColumns.map { $0[index] }
            if statistics.numbers + statistics.texts == 0 {
                column.role = .ignored
                notices.append("\(head.path.printableName): \(head.title(ofColumn: index)) is empty, and left out")
                continue
            }
            if forced.contains(index) || !statistics.isNumeric {
                column.categories = []
                continue
            }
            for part in [statistics] + (test.map { [$0] } ?? []) {
                isFilled = isFilled && part.missing == 0
                holdsBytes = holdsBytes && part.holdsBytes
                isUnit = isUnit && part.isUnitInterval
            }
            largest = max(largest, statistics.largest)
        }
        try Self.check(table, columns)
        if let testTable { try Self.check(testTable, columns) }
        let hasNumbers = columns.contains { $0.role == .value && $0.categories == nil }
        let hasCategories = columns.contains { $0.categories != nil }
        // Flags and counts are small bytes.
        let isPixels = hasNumbers && !hasCategories && isFilled && holdsBytes && largest >= 128
        let scale = files.scale ?? (isPixels ? 255 : 1)
        let isBytes = scale == 255 && hasNumbers && !hasCategories && isFilled && holdsBytes
        isStandardised =
            files.scale == nil && !isPixels && !isUnit && head.columnCount <= TablePreparation.maximumColumns
        element = isBytes ? .uint8 : .float32
        preparation = TablePreparation(columns: columns, scale: scale, isBytes: isBytes, classes: nil)
        self.notices = notices
    }

    /// What the columns of a test file have, by the columns of the first file.
    private static func byFirstFile(_ table: TableFile) -> [TableSurvey.Column] {
        var result = table.survey.columns
        for (index, column) in table.columns.enumerated() { result[column] = table.survey.columns[index] }
        return result
    }

    private static func indices(_ columns: [LabelColumn]?, _ head: TableHead) throws(DataError) -> Set<Int> {
        var indices: Set<Int> = []
        for column in columns ?? [] { indices.insert(try head.index(of: column)) }
        return indices
    }

    /// The columns that are left out: those that the configuration names, and a first column that counts the lines.
    private static func ignored(
        _ table: TableFile, _ files: TableFiles, _ notices: inout [String]
    ) throws(DataError) -> Set<Int> {
        var ignored = try indices(files.ignore, table.head)
        guard !ignored.contains(table.labelColumn) else {
            throw DataError(
                .malformedTable(
                    "\(table.head.title(ofColumn: table.labelColumn)) is the label, and data.ignore has it"),
                subject: files.path, remedy: "remove it from data.ignore, or set data.label to another column")
        }
        guard table.labelColumn != 0, !ignored.contains(0), table.head.columnCount > 2, table.survey.firstColumnRuns
        else {
            return ignored
        }
        let name = table.head.names?[0]
        // Without a name that says so, a short column may count by chance.
        let isCount = [0, 1].contains(table.survey.firstNumber) && table.sampleCount >= 20
        let isNamed = name.map { TableLabelChoice.isIndexName($0) } ?? false
        guard isNamed || isCount && (name.map { ["id", "index", "no", "nr", "#"].contains($0.lowercased()) } ?? true)
        else {
            return ignored
        }
        ignored.insert(0)
        let title = name.map { $0.isEmpty ? "its first column" : "its column '\($0.printable(limit: 40))'" }
        notices.append(
            "\(files.path.printableName): \(title ?? "its first column") counts the lines, and is left out")
        return ignored
    }

    /// Refuses texts in columns of numbers, and numbers that are too large; the first of them in the file.
    private static func check(_ table: TableFile, _ columns: [TablePreparation.Column]) throws(DataError) {
        var first: (line: Int, column: Int, error: DataError)?
        for (index, statistics) in table.survey.columns.enumerated() {
            let column = columns[table.columns[index]]
            guard column.role == .value, column.categories == nil else { continue }
            func report(_ fault: TableSurvey.Fault?, _ text: (String) -> String, _ remedy: String?) {
                guard let fault, first.map({ (fault.line, index) < ($0.line, $0.column) }) ?? true else { return }
                var error = DataError(.malformedTable(text(fault.text)), subject: table.head.path, remedy: remedy)
                (error.line, error.column) = (fault.line, index + 1)
                first = (fault.line, index, error)
            }
            report(
                statistics.firstText, { "'\($0)' is not a number, as most fields of its column are" },
                "correct it, put ? or nothing where a value is missing, or list the column in data.categories or data.ignore"
            )
            report(statistics.firstInfinity, { "'\($0)' is too large for float32" }, nil)
        }
        if let first { throw first.error }
    }

    /// Collects the categories of columns of texts from the training samples.
    ///
    /// - Throws: ``DataError`` if a column has nearly as many texts as lines, as names and numbers of things have.
    mutating func findCategories(_ table: TableFile, _ order: TableOrder, training: Int) throws(DataError) {
        let indices = preparation.columns.indices.filter { preparation.columns[$0].categories != nil }
        guard !indices.isEmpty else { return }
        var found = [Set<String>?](repeating: nil, count: preparation.columns.count)
        var missing = [Bool](repeating: false, count: preparation.columns.count)
        for index in indices { found[index] = [] }
        try TableSurvey.walk(table.head) { sample, column, field, _ throws(DataError) in
            guard found[column - 1] != nil, order.place(of: sample) < training else { return }
            if isMissing(field) {
                missing[column - 1] = true
            } else {
                found[column - 1]?.insert(String(decoding: field, as: UTF8.self))
            }
        }
        for index in indices {
            let texts = found[index] ?? []
            guard texts.count <= 1_000, texts.count <= 20 || 2 * texts.count <= training else {
                throw DataError(
                    .malformedTable(
                        "\(table.head.title(ofColumn: index)) has \(grouped(texts.count)) different texts in "
                            + "\(grouped(training)) training samples, too many for categories"),
                    subject: table.head.path,
                    remedy: "leave it out: data.ignore: [\(table.head.names?[index].printable ?? "\(index + 1)")]")
            }
            preparation.columns[index].categories = texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            preparation.columns[index].hasMissing = missing[index] ? true : nil
        }
    }
}

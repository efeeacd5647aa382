package import LockstepConfiguration

/// Tables of text (CSV, RFC 4180): each line is a sample, one of its fields is the label.
package struct TableFiles: DataFormat {
    /// The file of the training samples, plain or gzipped.
    package var path: String
    /// The file of the test samples; absent: the last samples of `path`.
    package var testPath: String?
    /// The column of the labels; absent: the one with a label's name, or that alone looks like classes.
    package var label: LabelColumn?
    /// The column of the numbers that the network learns in place of classes.
    package var target: LabelColumn?
    /// All values are divided by it; absent: 255 if they are pixels (see ``TableLoader``), else they are standardised.
    package var scale: Double?
    /// Columns that are left out.
    package var ignore: [LabelColumn]?
    /// Columns whose values are categories although they are numbers.
    package var categories: [LabelColumn]?
    /// How the lines are shuffled before they are divided; absent: if they are sorted by class.
    package var shuffle: TableShuffle?
    /// The number of validation samples, which precede the test samples in `path`; absent: one sixth.
    package var validation: Int?
    /// The number of test samples at the end of `path`, if `testPath` is absent; absent: one sixth.
    package var test: Int?

    package init(
        path: String, testPath: String? = nil, label: LabelColumn? = nil, target: LabelColumn? = nil,
        scale: Double? = nil,
        ignore: [LabelColumn]? = nil, categories: [LabelColumn]? = nil, shuffle: TableShuffle? = nil,
        validation: Int? = nil, test: Int? = nil
    ) {
        self.path = path
        self.testPath = testPath
        self.label = label
        self.target = target
        self.scale = scale
        self.ignore = ignore
        self.categories = categories
        self.shuffle = shuffle
        self.validation = validation
        self.test = test
    }

    package static let name = "csv"
    package static let defaults = TableFiles(path: "")
    package static let keys = [
        ConfigurationKey(
            "csv", \TableFiles.path, .path, example: "flowers.csv",
            "a table of text, plain or `.gz`: a sample on each line, commas, semicolons, tabs or blanks between its fields",
            onResume: .mayMove),
        ConfigurationKey(
            "test-csv", \TableFiles.testPath, KeyFormat<String>.path.optional, default: "lines of `csv`",
            "the table of the test samples", onResume: .mayMove),
        ConfigurationKey(
            "label", \TableFiles.label, KeyFormat.tableColumn.optional, default: "found by its name",
            "the column of the labels; found if the first or the last column is called label, class, target, species or y"
        ),
        ConfigurationKey(
            "target", \TableFiles.target, KeyFormat.tableColumn.optional, default: "none",
            "the column of numbers to learn in place of classes; the network has one output, which is linear",
            rule: {
                $0.target != nil && $0.label != nil
                    ? "must be left out beside 'label': a network learns one of them" : nil
            }),
        ConfigurationKey(
            "ignore", \TableFiles.ignore, KeyFormat.tableColumns.optional, default: "none", "columns that are left out"),
        ConfigurationKey(
            "categories", \TableFiles.categories, KeyFormat.tableColumns.optional, default: "columns of texts",
            "columns whose numbers are codes of categories; each category becomes a value of its own, 0 or 1"),
        ConfigurationKey(
            "scale", \TableFiles.scale, KeyFormat<Double>.positive().optional,
            default: "255 for pixels, 1 for values from 0 to 1, else each column is standardised",
            "what the values are divided by; pixels: only bytes, one of them above 127"),
        ConfigurationKey(
            "shuffle", \TableFiles.shuffle, KeyFormat.tableShuffle.optional, default: "`true` if sorted by class",
            "whether the lines are shuffled before they are divided into splits; a number is another seed than 1"),
        ConfigurationKey(
            "test", \TableFiles.test, .sampleCount, default: "a sixth",
            "the table's last samples, kept for the test; fewer than there are",
            rule: {
                $0.test != nil && $0.testPath != nil
                    ? "must be left out beside 'test-csv', which holds the test samples" : nil
            }),
        ConfigurationKey(
            "validation", \TableFiles.validation, .sampleCount, default: "a sixth",
            "the last training samples, kept for validation; fewer than there are"),
    ]
    package static let advice = "'csv' and, with it, " + keys.dropFirst().map(\.name).joined(separator: ", ")
    package static let fileExample: String? = "a table such as digits.csv"
    package static let fileEndings = [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".data", ".txt"]

    package init?(file path: String) { self.init(path: path) }

    package func load(cache: DataCache) throws(DataError) -> Dataset { try load() }
}

extension DataSource {
    /// Tables of text with one sample per line.
    package static func table(_ files: TableFiles) -> DataSource { DataSource(files) }
}

/// Whether and how the lines of a table are shuffled.
package enum TableShuffle: Codable, Hashable, Sendable {
    case never
    case seed(UInt64)

    /// The seed of `true`.
    static let defaultSeed: UInt64 = 1
    /// `true`.
    package static let shuffled = TableShuffle.seed(defaultSeed)
}

extension KeyFormat<TableShuffle> {
    static var tableShuffle: KeyFormat {
        KeyFormat(
            limits: "`true`, `false` or a seed", expected: "true, false or a whole number",
            read: { text, isPlain in
                guard isPlain else { return nil }
                switch text {
                case "true": return .seed(TableShuffle.defaultSeed)
                case "false": return .never
                default: return UInt64(text).map { .seed($0) }
                }
            },
            write: {
                switch $0 {
                case .never: .scalar("false", isPlain: true)
                case .seed(let seed): .scalar(seed == TableShuffle.defaultSeed ? "true" : "\(seed)", isPlain: true)
                }
            })
    }
}

/// A column of a table, such as the one that holds the labels.
package enum LabelColumn: Codable, Hashable, Sendable {
    case first
    case last
    /// Counted from 1.
    case number(Int)
    /// By its name in the header line.
    case named(String)

    /// Parses `first`, `last`, a column's number or its name; nil for a number below 1.
    package init?(_ text: String) {
        switch (text, Int(text)) {
        case ("first", _): self = .first
        case ("last", _): self = .last
        case (_, let number?) where number >= 1: self = .number(number)
        case (_, _?): return nil
        default: self = .named(text)
        }
    }

    /// The text that ``init(_:)`` parses.
    package var text: String {
        switch self {
        case .first: "first"
        case .last: "last"
        case .number(let number): "\(number)"
        case .named(let name): name
        }
    }

    var isNamed: Bool { if case .named = self { true } else { false } }
}

extension KeyFormat<LabelColumn> {
    static var tableColumn: KeyFormat {
        KeyFormat(
            limits: "`first`, `last`, a column's number or its name", expected: "a text",
            read: { (text, _) throws(ConfigurationProblem) in
                guard !text.isEmpty, !text.utf8.contains(0) else {
                    throw .impossible(rule: "must be a text of at least one character")
                }
                guard let label = LabelColumn(text) else {
                    throw .impossible(rule: "must be first, last, a column's number from 1, or its name")
                }
                return label
            },
            write: { .scalar($0.text, isPlain: false) })
    }

    fileprivate static var tableColumns: KeyFormat<[LabelColumn]> {
        tableColumn.oneOrMore(
            limits: "a column or a list of columns, each as in `label`", expected: "a column or a list of columns")
    }
}

package import LockstepConfiguration

/// Tables of text (CSV, RFC 4180): each line is a sample, one of its fields is the label.
package struct TableFiles: DataFormat {
    /// The file of the training samples, plain or gzipped.
    package var path: String
    /// The file of the test samples; absent: the last samples of `path`.
    package var testPath: String?
    /// The column of the labels.
    package var label: LabelColumn
    /// All values are divided by it; absent: 255 if they are pixels (see ``TableSurvey/looksLikePixels``), else 1.
    package var scale: Double?
    /// The number of validation samples, which precede the test samples in `path`; absent: one sixth.
    package var validation: Int?
    /// The number of test samples at the end of `path`, if `testPath` is absent; absent: one sixth.
    package var test: Int?

    package init(
        path: String, testPath: String? = nil, label: LabelColumn = .first, scale: Double? = nil,
        validation: Int? = nil, test: Int? = nil
    ) {
        self.path = path
        self.testPath = testPath
        self.label = label
        self.scale = scale
        self.validation = validation
        self.test = test
    }

    package static let name = "csv"
    package static let defaults = TableFiles(path: "")
    package static let keys = [
        ConfigurationKey(
            "csv", \TableFiles.path, .path, example: "flowers.csv",
            "a table of text, plain or `.gz`: a sample on each line, commas, semicolons or tabs between label and values",
            onResume: .mayMove),
        ConfigurationKey(
            "test-csv", \TableFiles.testPath, KeyFormat<String>.path.optional, default: "the last lines of `csv`",
            "the table of the test samples", onResume: .mayMove),
        ConfigurationKey(
            "label", \TableFiles.label, .labelColumn, "the column of the labels, whole numbers from 0"),
        ConfigurationKey(
            "scale", \TableFiles.scale, KeyFormat<Double>.positive().optional, default: "255 for pixels, else 1",
            "what the values are divided by; pixels: only bytes, one of them above 127"),
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
    package static let fileEndings = [".csv", ".tsv", ".csv.gz", ".tsv.gz"]

    package init?(file path: String) { self.init(path: path) }

    package func load(cache: DataCache) throws(DataError) -> Dataset { try load() }
}

extension DataSource {
    /// Tables of text with one sample per line.
    package static func table(_ files: TableFiles) -> DataSource { DataSource(files) }
}

/// The column of a table that holds the labels.
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
}

extension KeyFormat<LabelColumn> {
    fileprivate static var labelColumn: KeyFormat {
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
}

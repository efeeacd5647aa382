/// Tables of text (CSV, RFC 4180): a sample on each line, one of whose fields is the label.
package struct TableFiles: Codable, Hashable, Sendable {
    /// The file of the training samples, plain or gzipped.
    package var path: String
    /// The file of the test samples; absent: the last ones of `path`.
    package var testPath: String?
    /// The column of the labels.
    package var label: LabelColumn
    /// What all values are divided by; absent: 255 where they are bytes (see ``TableSurvey/looksLikePixels``), else 1.
    package var scale: Double?
    /// The last samples of `path`, before those for the test, that form the validation split; absent: one sixth.
    package var validation: Int?
    /// The last samples of `path` that form the test split where `testPath` is absent; absent: one sixth.
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
}

/// Which column of a table holds the labels.
package enum LabelColumn: Codable, Hashable, Sendable {
    case first
    case last
    /// Counted from 1.
    case number(Int)
    /// As the header line calls it.
    case named(String)

    /// Reads `first`, `last`, a column's number or its name; nil for a number below 1.
    package init?(_ text: String) {
        switch (text, Int(text)) {
        case ("first", _): self = .first
        case ("last", _): self = .last
        case (_, let number?) where number >= 1: self = .number(number)
        case (_, _?): return nil
        default: self = .named(text)
        }
    }

    /// What ``init(_:)`` reads.
    package var text: String {
        switch self {
        case .first: "first"
        case .last: "last"
        case .number(let number): "\(number)"
        case .named(let name): name
        }
    }
}

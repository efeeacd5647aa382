import LockstepData

extension Samples {
    /// Which column of a table holds the labels.
    public enum LabelColumn: Hashable, Sendable {
        case first
        case last
        /// Counted from 1.
        case number(Int)
        /// As the header line calls it.
        case named(String)
    }

    /// Samples from a table of text: a sample on each line, its values and its label between commas (or semicolons, or
    /// tabs).
    ///
    /// A first line whose label is no number is taken for a header. Samples are not shuffled: those for training come
    /// first, then those for validation, then those for the test.
    ///
    /// - Parameters:
    ///   - path: The file, gzipped or not.
    ///   - testPath: A file of its own with the test samples.
    ///   - label: The column of the labels, whole numbers from 0.
    ///   - scale: What all values are divided by, above 0. By default 255 for a table of pixels, whole numbers from 0 to
    ///     255 of which one is above 127, else 1.
    ///   - validation: How many of the file's samples are set aside for validation, by default a sixth.
    ///   - test: How many of them for the test, by default a sixth; with `testPath` none.
    /// - Throws: ``LockstepError`` of the kind `data` that names file, line and column of what is wrong.
    public init(
        csv path: String, testPath: String? = nil, label: LabelColumn = .first, scale: Double? = nil,
        validation: Int? = nil, test: Int? = nil
    ) throws(LockstepError) {
        guard scale.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw LockstepError(.data, "\(path): its values cannot be divided by \(scale ?? 0)")
        }
        let files = TableFiles(
            path: path, testPath: testPath, label: label.inner, scale: scale, validation: validation, test: test)
        self.init(try withPublicErrors { try Dataset.load(.table(files), cache: try DataCache()) })
    }
}

extension Samples.LabelColumn {
    fileprivate var inner: LabelColumn {
        switch self {
        case .first: .first
        case .last: .last
        case .number(let number): .number(number)
        case .named(let name): .named(name)
        }
    }
}

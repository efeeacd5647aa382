import LockstepData

extension Dataset {
    /// Which column of a table holds the labels.
    public enum LabelColumn: Hashable, Sendable {
        case first
        case last
        /// Counted from 1.
        case number(Int)
        /// By its name in the header line.
        case named(String)
    }

    /// Reads a table of text: a sample on each line, its values and its label separated by commas, semicolons, tabs or blanks.
    ///
    /// The first samples are for training, the next for validation, the last for the test; a table that is sorted by class is
    /// shuffled first. Columns of texts become a value for each category, 0 or 1. A missing number (nothing, `?`, `NA` or `NaN`)
    /// becomes the mean of its column, and a missing text a category of its own.
    ///
    /// - Parameters:
    ///   - path: The file, gzipped or not.
    ///   - testPath: A second file that holds the test samples.
    ///   - label: The column of the labels, numbers or texts; nil: the first or the last column, if its name is label, class,
    ///     target, species or y.
    ///   - scale: All values are divided by it; above 0. The default is 255 for a table of pixels (whole numbers from 0 to
    ///     255, one of them above 127) and 1 for values from 0 to 1; the columns of other tables are standardised.
    ///   - shuffles: Whether the lines are shuffled before they are divided; nil: if they are sorted by class.
    ///   - validation: The number of the file's samples that are set aside for validation, by default a sixth.
    ///   - test: The number that are set aside for the test, by default a sixth; none if there is a `testPath`.
    /// - Throws: ``LockstepError`` of the kind `data` that names the file, the line and the column of the fault.
    public init(
        csv path: String, testPath: String? = nil, label: LabelColumn? = nil, scale: Double? = nil,
        shuffles: Bool? = nil, validation: Int? = nil, test: Int? = nil
    ) throws(LockstepError) {
        guard scale.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw LockstepError(.data, "\(path): the scale is \(scale ?? 0); give a finite number above 0")
        }
        let files = TableFiles(
            path: path, testPath: testPath, label: label?.inner, scale: scale,
            shuffle: shuffles.map { $0 ? .shuffled : .never }, validation: validation, test: test)
        self.init(try Self.load(.table(files)))
    }
}

extension Dataset.LabelColumn {
    fileprivate var inner: LabelColumn {
        switch self {
        case .first: .first
        case .last: .last
        case .number(let number): .number(number)
        case .named(let name): .named(name)
        }
    }
}

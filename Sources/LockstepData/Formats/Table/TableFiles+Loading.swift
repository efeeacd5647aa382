import LockstepText

extension TableFiles {
    /// Reads the data set from its one or two tables.
    ///
    /// The files are read two or three times: for what their columns have, for the categories of columns of texts, and for their
    /// values, directly to their destination. Tables of bytes with the scale 255 are stored as bytes, so MNIST as CSV is the
    /// same data set as MNIST.
    ///
    /// - Throws: ``DataError`` that names the file, line and column of the first fault.
    func load() throws(DataError) -> Dataset {
        let source = try TableSource(path: path)
        let test = try testPath.map { (path) throws(DataError) in try TableSource(path: path) }
        return try load(source, test: test ?? source.test)
    }

    /// Reads the data set from one or two tables, which may be arrays.
    func load(_ source: TableSource, test: TableSource?) throws(DataError) -> Dataset {
        let table = try TableFile(source, label: label, target: target, hasNamedColumns: namesColumns)
        let testTable = try test.map { (test) throws(DataError) in try TableFile(test, like: table) }
        var outline = try TableOutline(table, testTable, self)
        let tables = [table] + (testTable.map { [$0] } ?? [])
        let classes = try TableClasses(
            target == nil ? tables.map { ($0.labels, $0.head.path) } : [], column: table.labelColumn + 1,
            known: source.classNames)
        outline.preparation.classes = target == nil ? classes.names : nil
        // What arrays set aside for validation stands behind the training samples.
        let validation = source.arrays?.validationCount ?? validation
        let parts = try TableParts(
            table.sampleCount, testFile: testTable?.sampleCount, validation: validation, test: self.test, path: path)
        // Where a number is learnt, samples above and below the median take the place of two classes.
        let labels = target == nil ? classes.classes(of: table.labels) : TableOrder.halves(of: table.survey.targets)
        let shuffle = source.arrays?.validationCount == nil ? shuffle : .never
        let order = TableOrder(classes: labels, training: parts.training, shuffle: shuffle)
        if order.places != nil, shuffle == nil {
            outline.notices.append(
                "\(path.printableName): its lines are sorted by class, and are shuffled before the splits are made; "
                    + "data.shuffle: false keeps their order")
        }
        try outline.findCategories(table, order, training: parts.training)
        try TableParts.checkSize(outline.preparation.inputSize, path: path)

        let builder = try DatasetBuilder(
            name: path.split(separator: "/").last.map(String.init) ?? path,
            inputSize: outline.preparation.inputSize, element: outline.element, trainingCount: parts.training,
            validationCount: parts.validation, testCount: parts.test, hasTargets: target != nil)
        let writer = TableWriter(outline)
        try writer.write(table, order, at: 0, to: builder)
        try testTable.map { (test) throws(DataError) in
            try writer.write(test, TableOrder.unchanged, at: table.sampleCount, to: builder)
        }
        if target != nil {
            try TableTargets.write(tables, order, training: parts.training, to: builder, &outline.preparation)
        } else {
            for (sample, label) in labels.enumerated() { builder.labels[order.place(of: sample)] = label }
        }
        if let testTable, target == nil {
            for (sample, label) in classes.classes(of: testTable.labels).enumerated() {
                builder.labels[table.sampleCount + sample] = label
            }
        }
        if target == nil { try parts.checkClasses(of: builder.labels[..<table.sampleCount], classes, in: path) }
        if outline.element == .float32 {
            try TableStatistics(builder, training: parts.training, outline)
                .prepare(
                    builder, count: parts.training + parts.validation + parts.test, &outline.preparation, path: path)
        }
        return try builder.finish(
            classCount: classes.count,
            table: outline.preparation.columns.count <= TablePreparation.maximumColumns ? outline.preparation : nil,
            notices: outline.notices)
    }

    /// Whether the configuration names columns, so that the first line has names.
    private var namesColumns: Bool {
        ((label.map { [$0] } ?? []) + (target.map { [$0] } ?? []) + (ignore ?? []) + (categories ?? [])).contains(
            where: \.isNamed)
    }
}

/// One file, with what its columns have.
struct TableFile {
    let head: TableHead
    let survey: TableSurvey
    /// The index of the label's column in this file.
    let labelColumn: Int
    let labels: TableLabels
    let labelNotice: String?
    /// The column of the first file that each column of this file is.
    let columns: [Int]

    /// Reads the file of the training samples.
    init(_ source: TableSource, label: LabelColumn?, target: LabelColumn?, hasNamedColumns: Bool) throws(DataError) {
        head = try TableHead(source, hasNamedColumns: hasNamedColumns)
        if let target {
            labelColumn = try head.index(of: target)
            survey = try TableSurvey(head, labelColumns: [], targetColumn: labelColumn)
            labels = TableLabels()
            labelNotice = nil
            columns = Array(0..<head.columnCount)
            return
        }
        let choice = try TableLabelChoice(head, configured: label)
        survey = try TableSurvey(head, labelColumns: choice.candidates)
        (labelColumn, labelNotice) = try choice.column(in: survey)
        labels = survey.labels[labelColumn] ?? TableLabels()
        columns = Array(0..<head.columnCount)
    }

    /// Reads the file of the test samples, whose columns are those of `other`: by their names if both have names, else by their
    /// places.
    init(_ source: TableSource, like other: TableFile) throws(DataError) {
        head = try TableHead(source, hasNamedColumns: false)
        guard head.columnCount == other.head.columnCount else {
            throw DataError(
                .imageSizeMismatch(training: other.head.columnCount - 1, test: head.columnCount - 1),
                subject: source.path)
        }
        var columns = Array(0..<head.columnCount)
        if let names = head.names, let otherNames = other.head.names, names != otherNames {
            let places = Dictionary(otherNames.enumerated().map { ($1, $0) }) { first, _ in first }
            let found = names.compactMap { places[$0] }
            if Set(found).count == head.columnCount { columns = found }
        }
        self.columns = columns
        let label = columns.firstIndex(of: other.labelColumn) ?? other.labelColumn
        labelColumn = label
        let learnsNumbers = !other.survey.targets.isEmpty
        survey = try TableSurvey(
            head, labelColumns: learnsNumbers ? [] : [label], targetColumn: learnsNumbers ? label : nil)
        labels = survey.labels[label] ?? TableLabels()
        labelNotice = nil
    }

    var sampleCount: Int { survey.sampleCount }
}

/// The number of samples in each split.
struct TableParts {
    let training: Int
    let validation: Int
    let test: Int

    /// Divides a table: training samples, then validation samples, then test samples unless they have their own file.
    init(_ count: Int, testFile: Int?, validation: Int?, test: Int?, path: String) throws(DataError) {
        let ownTest = testFile == nil ? test ?? count / 6 : 0
        let validation = validation ?? count / 6
        guard ownTest >= 0, validation >= 0, ownTest < count, validation < count - ownTest else {
            throw DataError(
                .malformedTable(
                    "of its \(count) samples, \(validation) for validation and \(ownTest) for the test leave none to "
                        + "train with"), subject: path, remedy: "set data.validation and data.test lower")
        }
        training = count - validation - ownTest
        self.validation = validation
        self.test = testFile ?? ownTest
    }

    /// Refuses classes that only validation and test samples have: they cannot be learnt.
    func checkClasses(
        of labels: Slice<UnsafeMutableBufferPointer<UInt16>>, _ classes: TableClasses, in path: String
    ) throws(DataError) {
        var isLearnt = [Bool](repeating: false, count: DatasetLayout.largestClassCount)
        for label in labels[..<training] { isLearnt[Int(label)] = true }
        guard let missing = labels[training...].first(where: { !isLearnt[Int($0)] }) else { return }
        throw DataError(
            .malformedTable(
                "class \(classes.names?[Int(missing)].printable(limit: TableHead.quotedLength) ?? "\(missing)") occurs only "
                    + "among its last \(labels.count - training) samples, which are set aside"),
            subject: path, remedy: "set data.shuffle to true, or data.validation and data.test lower")
    }

    static func checkSize(_ inputSize: Int, path: String) throws(DataError) {
        guard inputSize > 0 else {
            throw DataError(
                .malformedTable("it has no column of values besides the label"), subject: path,
                remedy: "list fewer columns in data.ignore")
        }
        guard inputSize <= TableHead.largestInputSize else {
            throw DataError(
                .tooLarge(
                    what: "the number of values of a sample", found: inputSize, limit: TableHead.largestInputSize),
                subject: path)
        }
    }
}

extension TablePreparation {
    /// The most columns of a table whose preparation is kept in a model file. Wider tables need `scale`.
    static let maximumColumns = 65_536
}

extension TableOrder {
    /// The lines' own order.
    static let unchanged = TableOrder(classes: [], training: 0, shuffle: .never)

    /// The place of a line's sample among all samples of its file.
    @inline(__always)
    func place(of sample: Int) -> Int { places.map { Int($0[sample]) } ?? sample }
}

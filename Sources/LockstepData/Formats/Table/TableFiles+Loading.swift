extension TableFiles {
    /// Reads the data set from its one or two tables.
    ///
    /// The files are read twice: first for their size and their faults, then for their values, directly to their
    /// destination. Tables of bytes with the scale 255 are stored as bytes, so MNIST as CSV is the same data set as MNIST.
    ///
    /// - Throws: ``DataError`` that names the file, line and column of the first fault.
    func load() throws(DataError) -> Dataset {
        let training = try TableSurvey(path, label: label)
        var testTable: TableSurvey?
        if let testPath { testTable = try TableSurvey(testPath, label: label) }
        if let testTable, testTable.shape.inputSize != training.shape.inputSize {
            throw DataError(
                .imageSizeMismatch(training: training.shape.inputSize, test: testTable.shape.inputSize),
                subject: testTable.path)
        }
        let parts = try TableParts(training.sampleCount, testFile: testTable?.sampleCount, self)
        let scale = scale ?? (training.looksLikePixels && testTable?.holdsBytes != false ? 255 : 1)
        let isBytes = scale == 255 && training.holdsBytes && testTable?.holdsBytes != false
        let element: DatasetElement = isBytes ? .uint8 : .float32
        let builder = try DatasetBuilder(
            name: path.split(separator: "/").last.map(String.init) ?? path,
            inputSize: training.shape.inputSize, element: element, trainingCount: parts.training,
            validationCount: parts.validation, testCount: parts.test)
        try training.read(into: builder, at: 0, element: element, scale: scale)
        try testTable?.read(into: builder, at: training.sampleCount, element: element, scale: scale)
        try parts.checkClasses(of: builder.labels[..<training.sampleCount], in: path)
        return try builder.finish(classCount: max(2, max(training.highestLabel, testTable?.highestLabel ?? 0) + 1))
    }
}

/// The number of samples in each split.
private struct TableParts {
    let training: Int
    let validation: Int
    let test: Int

    /// Divides a table: training samples, then validation samples, then test samples unless they have their own file.
    init(_ count: Int, testFile: Int?, _ files: TableFiles) throws(DataError) {
        let ownTest = testFile == nil ? files.test ?? count / 6 : 0
        let validation = files.validation ?? count / 6
        guard ownTest >= 0, validation >= 0, ownTest < count, validation < count - ownTest else {
            throw DataError(
                .malformedTable(
                    "of its \(count) samples, \(validation) for validation and \(ownTest) for the test leave none to "
                        + "train with"), subject: files.path, remedy: "set data.validation and data.test lower")
        }
        training = count - validation - ownTest
        self.validation = validation
        test = testFile ?? ownTest
    }

    /// Refuses a table that is sorted by class: a class that only validation and test samples have cannot be learnt.
    func checkClasses(of labels: Slice<UnsafeMutableBufferPointer<UInt16>>, in path: String) throws(DataError) {
        var isLearnt = [Bool](repeating: false, count: DatasetLayout.largestClassCount)
        for label in labels[..<training] { isLearnt[Int(label)] = true }
        guard let missing = labels[training...].first(where: { !isLearnt[Int($0)] }) else { return }
        throw DataError(
            .malformedTable(
                "class \(missing) occurs only among its last \(labels.count - training) samples, which are set aside"),
            subject: path, remedy: "shuffle its lines, or set data.validation and data.test lower")
    }
}

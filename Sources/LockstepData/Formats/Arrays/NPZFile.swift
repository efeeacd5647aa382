package import LockstepConfiguration

/// An archive of numpy arrays, as `numpy.savez` writes it: samples and their labels, found by their names.
package struct NPZFile: DataFormat {
    package var path: String
    /// The column of the numbers that the network learns in place of classes.
    package var target: LabelColumn?
    package var scale: Double?
    package var shuffle: TableShuffle?
    package var validation: Int?
    package var test: Int?

    package init(path: String) { self.path = path }

    package static let name = "npz"
    package static let defaults = NPZFile(path: "")
    package static let keys = [
        ConfigurationKey(
            "npz", \NPZFile.path, .path, example: "digits.npz",
            "numpy arrays: samples `X` and labels `y`, or `x_train`, `y_train`, `x_test` and `y_test`; texts are labels by name, and "
                + "`target_names` the names of labels that are numbers", onResume: .mayMove),
        ConfigurationKey(
            "target", \NPZFile.target, KeyFormat.tableColumn.optional, default: "none",
            "the array of numbers to learn in place of classes; the network has one output, which is linear"),
        ConfigurationKey(
            "scale", \NPZFile.scale, KeyFormat<Double>.positive().optional,
            default: "255 for pixels, 1 for values from 0 to 1, else each column is standardised",
            "what the values are divided by; pixels: only bytes, one of them above 127"),
        ConfigurationKey(
            "shuffle", \NPZFile.shuffle, KeyFormat.tableShuffle.optional, default: "`true` if sorted by class",
            "whether the samples are shuffled before they are divided into splits; a number is another seed than 1"),
        ConfigurationKey(
            "test", \NPZFile.test, .sampleCount, default: "a sixth",
            "the last samples, kept for the test, where no array is for it; fewer than there are"),
        ConfigurationKey(
            "validation", \NPZFile.validation, .sampleCount, default: "a sixth",
            "the last training samples, kept for validation, where no array is for it; fewer than there are"),
    ]
    package static let advice = "'npz' and, with it, " + keys.dropFirst().map(\.name).joined(separator: ", ")
    package static let fileExample: String? = "arrays such as digits.npz"
    package static let fileEndings = [".npz"]

    package init?(file path: String) { self.init(path: path) }

    package func load(cache: DataCache) throws(DataError) -> Dataset {
        try TableFiles(
            path: path, target: target, scale: scale, shuffle: shuffle, validation: validation, test: test
        ).load(cache: cache)
    }
}

/// Two or four numpy files: samples and their labels, and perhaps those of the test.
package struct NPYFiles: DataFormat {
    package var path: String
    package var labels: String?
    package var testPath: String?
    package var testLabels: String?
    /// Whether the labels are numbers to learn, and no classes.
    package var learnsNumbers: Bool
    package var scale: Double?
    package var shuffle: TableShuffle?
    package var validation: Int?
    package var test: Int?

    package init(path: String, labels: String? = nil) {
        self.path = path
        self.labels = labels
        learnsNumbers = false
    }

    package static let name = "npy"
    package static let defaults = NPYFiles(path: "")
    package static let keys = [
        ConfigurationKey(
            "npy", \NPYFiles.path, .path, example: "X.npy", "the numpy array of the samples, [samples, values]",
            onResume: .mayMove),
        ConfigurationKey(
            "npy-labels", \NPYFiles.labels, KeyFormat<String>.path.optional,
            default: "none, which is an error in training",
            "the numpy array of the labels, [samples]: numbers or texts", onResume: .mayMove),
        ConfigurationKey(
            "test-npy", \NPYFiles.testPath, KeyFormat<String>.path.optional, default: "samples of `npy`",
            "the array of the test samples", onResume: .mayMove),
        ConfigurationKey(
            "test-npy-labels", \NPYFiles.testLabels, KeyFormat<String>.path.optional,
            default: "with `test-npy`, required",
            "the array of the test labels", onResume: .mayMove),
        ConfigurationKey(
            "learns-numbers", \NPYFiles.learnsNumbers, .flag,
            "whether the labels are numbers to learn; the network has one output, which is linear"),
        ConfigurationKey(
            "scale", \NPYFiles.scale, KeyFormat<Double>.positive().optional,
            default: "255 for pixels, 1 for values from 0 to 1, else each column is standardised",
            "what the values are divided by; pixels: only bytes, one of them above 127"),
        ConfigurationKey(
            "shuffle", \NPYFiles.shuffle, KeyFormat.tableShuffle.optional, default: "`true` if sorted by class",
            "whether the samples are shuffled before they are divided into splits; a number is another seed than 1"),
        ConfigurationKey(
            "test", \NPYFiles.test, .sampleCount, default: "a sixth",
            "the last samples, kept for the test, without `test-npy`; fewer than there are"),
        ConfigurationKey(
            "validation", \NPYFiles.validation, .sampleCount, default: "a sixth",
            "the last training samples, kept for validation; fewer than there are"),
    ]
    package static let advice = "'npy' and, with it, " + keys.dropFirst().map(\.name).joined(separator: ", ")
    package static let fileExample: String? = nil
    package static let fileEndings = [".npy"]

    package init?(file path: String) { self.init(path: path) }

    package func load(cache: DataCache) throws(DataError) -> Dataset {
        guard let labels else {
            throw DataError(
                .malformedArray("it has samples, and no labels"), subject: path,
                remedy: "name the array of the labels with data.npy-labels")
        }
        guard (testPath == nil) == (testLabels == nil) else {
            throw DataError(
                .malformedArray("only one of data.test-npy and data.test-npy-labels is given"), subject: path,
                remedy: "give both")
        }
        let files = TableFiles(
            path: path, target: learnsNumbers ? .last : nil, scale: scale, shuffle: shuffle, validation: validation,
            test: test)
        var testSource: TableSource?
        if let testPath, let testLabels { testSource = try TableSource(arrays: testPath, labels: testLabels) }
        return try files.load(try TableSource(arrays: path, labels: labels), test: testSource)
    }
}

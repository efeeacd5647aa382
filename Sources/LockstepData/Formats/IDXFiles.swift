package import LockstepConfiguration

/// Four IDX files, and the number of training samples that are set aside for validation.
package struct IDXFiles: DataFormat {
    package var images: String
    package var labels: String
    package var testImages: String
    package var testLabels: String
    /// The number of validation samples: the last samples of the training files; absent: one sixth of them.
    package var validation: Int?

    package init(images: String, labels: String, testImages: String, testLabels: String, validation: Int? = nil) {
        self.images = images
        self.labels = labels
        self.testImages = testImages
        self.testLabels = testLabels
        self.validation = validation
    }

    package static let name = "idx"
    package static let defaults = IDXFiles(images: "", labels: "", testImages: "", testLabels: "")
    package static let keys = [
        ConfigurationKey(
            "images", \IDXFiles.images, .path, example: "digits/images.gz",
            "the IDX file of the training images, plain or `.gz`", onResume: .mayMove),
        ConfigurationKey(
            "labels", \IDXFiles.labels, .path, example: "digits/labels.gz", "the IDX file of the training labels",
            onResume: .mayMove),
        ConfigurationKey(
            "test-images", \IDXFiles.testImages, .path, example: "digits/test-images.gz",
            "the IDX file of the test images", onResume: .mayMove),
        ConfigurationKey(
            "test-labels", \IDXFiles.testLabels, .path, example: "digits/test-labels.gz",
            "the IDX file of the test labels", onResume: .mayMove),
        ConfigurationKey(
            "validation", \IDXFiles.validation, .sampleCount, default: "a sixth",
            "the last training samples, kept for validation; fewer than there are"),
    ]

    package func load(cache: DataCache) throws(DataError) -> Dataset {
        let name = images.split(separator: "/").last.map(String.init) ?? images
        return try load(name: name, classCount: nil)
    }
}

extension DataSource {
    /// Four IDX files, plain or gzipped.
    package static func files(_ files: IDXFiles) -> DataSource { DataSource(files) }
}

extension IDXFiles {
    /// Reads the four files, each directly to its destination.
    ///
    /// Every label must be below `classCount`; the default is the highest label + 1, at least 2.
    func load(name: String, classCount: Int?) throws(DataError) -> Dataset {
        let training = try SplitReader(images: images, labels: labels)
        let test = try SplitReader(images: testImages, labels: testLabels)
        guard training.sampleSize == test.sampleSize else {
            throw DataError(
                .imageSizeMismatch(training: training.sampleSize, test: test.sampleSize), subject: testImages,
                offset: 8)
        }
        let validation = validation ?? training.count / 6
        guard validation >= 0, validation < training.count else {
            throw DataError(
                .invalidValidationCount(validation: validation, samples: training.count), subject: images)
        }
        let builder = try DatasetBuilder(
            name: name, inputSize: training.sampleSize, element: .uint8, trainingCount: training.count - validation,
            validationCount: validation, testCount: test.count)
        let highest = max(
            try training.read(into: builder, at: 0, classCount: classCount ?? 256),
            try test.read(into: builder, at: training.count, classCount: classCount ?? 256))
        return try builder.finish(classCount: classCount ?? max(2, highest + 1))
    }
}

/// The images file and the labels file of one split.
private struct SplitReader {
    private let images: IDXReader
    private let labels: IDXReader

    init(images: String, labels: String) throws(DataError) {
        self.images = try IDXReader(path: images, kind: .images)
        self.labels = try IDXReader(path: labels, kind: .labels)
        guard self.images.header.count == self.labels.header.count else {
            throw DataError(
                .countMismatch(
                    images: self.images.header.count, labels: self.labels.header.count, labelsFile: labels),
                subject: images, offset: 4)
        }
    }

    var count: Int { images.header.count }
    var sampleSize: Int { images.header.sampleSize }

    /// Writes all samples, from index `first` on; returns the highest label.
    func read(into builder: borrowing DatasetBuilder, at first: Int, classCount: Int) throws(DataError) -> Int {
        let features = builder.features[first * sampleSize..<(first + count) * sampleSize]
        try images.read(into: UnsafeMutableRawBufferPointer(rebasing: features))
        let labels = UnsafeMutableBufferPointer(rebasing: builder.labels[first..<first + count])
        return try self.labels.readLabels(into: labels, classCount: classCount)
    }
}

extension Dataset {
    /// Reads a data set into memory.
    ///
    /// - Throws: ``DataError`` that names what is missing or wrong, with the file and the place in it.
    package static func load(_ source: DataSource, cache: DataCache) throws(DataError) -> Dataset {
        switch source {
        case .named(let name): try load(try KnownDataset.named(name), cache: cache)
        case .files(let files): try load(files, name: baseName(files.images), classCount: nil)
        case .pickle(let path): try load(pickle: path)
        case .table(let files): try load(files)
        }
    }

    /// Reads a data set that was fetched into the cache, which must have the bytes that everybody else's has.
    private static func load(_ known: KnownDataset, cache: DataCache) throws(DataError) -> Dataset {
        let files = IDXFiles(
            images: try cache.path(of: known.trainingImages, in: known),
            labels: try cache.path(of: known.trainingLabels, in: known),
            testImages: try cache.path(of: known.testImages, in: known),
            testLabels: try cache.path(of: known.testLabels, in: known),
            validation: known.validationCount)
        do throws(DataError) {
            let dataset = try load(files, name: known.name, classCount: known.classCount)
            guard dataset.description.sha256 == known.sha256 else {
                throw DataError(
                    .wrongDigest(expected: known.sha256, found: dataset.description.sha256),
                    subject: "data set \(known.name) in \(cache.directory(of: known))")
            }
            return dataset
        } catch {
            var error = error
            error.remedy = "run \(known.script), which replaces damaged files"
            throw error
        }
    }

    /// Reads four IDX files, each straight to its place.
    ///
    /// Every label must be below `classCount`; where that is absent it becomes the highest label + 1, at least 2.
    private static func load(_ files: IDXFiles, name: String, classCount: Int?) throws(DataError) -> Dataset {
        let training = try SplitReader(images: files.images, labels: files.labels)
        let test = try SplitReader(images: files.testImages, labels: files.testLabels)
        guard training.sampleSize == test.sampleSize else {
            throw DataError(
                .imageSizeMismatch(training: training.sampleSize, test: test.sampleSize), subject: files.testImages,
                offset: 8)
        }
        let validation = files.validation ?? training.count / 6
        guard validation >= 0, validation < training.count else {
            throw DataError(
                .invalidValidationCount(validation: validation, samples: training.count), subject: files.images)
        }
        let builder = try DatasetBuilder(
            name: name, inputSize: training.sampleSize, element: .uint8, trainingCount: training.count - validation,
            validationCount: validation, testCount: test.count)
        let highest = max(
            try training.read(into: builder, at: 0, classCount: classCount ?? 256),
            try test.read(into: builder, at: training.count, classCount: classCount ?? 256))
        return try builder.finish(classCount: classCount ?? max(2, highest + 1))
    }

    private static func baseName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

/// An images file and the labels file that belongs to it.
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

    /// Writes all samples from number `first` on; returns the highest label.
    func read(into builder: borrowing DatasetBuilder, at first: Int, classCount: Int) throws(DataError) -> Int {
        let features = builder.features[first * sampleSize..<(first + count) * sampleSize]
        try images.read(into: UnsafeMutableRawBufferPointer(rebasing: features))
        let labels = UnsafeMutableBufferPointer(rebasing: builder.labels[first..<first + count])
        return try self.labels.readLabels(into: labels, classCount: classCount)
    }
}

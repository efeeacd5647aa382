/// Where a run's samples come from.
package enum DataSource: Codable, Hashable, Sendable {
    /// A data set that a script has fetched into the cache, such as `mnist`.
    case named(String)
    /// Four IDX files, plain or gzipped.
    case files(IDXFiles)
    /// A pickle of three (images, labels) pairs of numpy arrays, such as the textbook's `mnist.pkl.gz`.
    case pickle(String)
    /// Tables of text with a sample on each line.
    case table(TableFiles)
}

/// Four IDX files, and how many of the training samples are set aside for validation.
package struct IDXFiles: Codable, Hashable, Sendable {
    package var images: String
    package var labels: String
    package var testImages: String
    package var testLabels: String
    /// The last samples of the training files that form the validation split; absent: one sixth of them.
    package var validation: Int?

    package init(images: String, labels: String, testImages: String, testLabels: String, validation: Int? = nil) {
        self.images = images
        self.labels = labels
        self.testImages = testImages
        self.testLabels = testLabels
        self.validation = validation
    }
}

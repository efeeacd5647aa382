/// A data set that a script fetches into the cache, with its expected sizes and digests.
package struct KnownDataset: Hashable, Sendable {
    /// One file of the data set.
    package struct File: Hashable, Sendable {
        /// The file's name in the cache, without the `.gz` of a gzipped file.
        package let name: String
        /// SHA-256 of the uncompressed content, in hexadecimal.
        package let sha256: String
    }

    package let name: String
    package let title: String
    /// The command that fetches it.
    package let script: String
    package let classCount: Int
    /// The number of samples in the validation split: the last samples of the training files.
    package let validationCount: Int
    package let trainingImages: File
    package let trainingLabels: File
    package let testImages: File
    package let testLabels: File
    /// SHA-256 of the data set's bytes (see ``DatasetLayout``), in hexadecimal.
    package let sha256: String

    package var files: [File] { [trainingImages, trainingLabels, testImages, testLabels] }

    /// All known data sets.
    package static let all = [mnist]

    /// The data set with this name.
    package static func named(_ name: String) throws(DataError) -> KnownDataset {
        guard let known = all.first(where: { $0.name == name }) else {
            throw DataError(.unknownDataset(known: all.map(\.name)), subject: "data set \(name)")
        }
        return known
    }

    /// Handwritten digits, 28 x 28 pixels: 60,000 for training and validation, 10,000 for the test.
    package static let mnist = KnownDataset(
        name: "mnist",
        title: "MNIST, handwritten digits of 28 x 28 pixels",
        script: "scripts/fetch-data mnist",
        classCount: 10,
        validationCount: 10_000,
        trainingImages: File(
            name: "train-images-idx3-ubyte",
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        trainingLabels: File(
            name: "train-labels-idx1-ubyte",
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        testImages: File(
            name: "t10k-images-idx3-ubyte",
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        testLabels: File(
            name: "t10k-labels-idx1-ubyte",
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        sha256: "b8f43bf850058d2a8156d3da2b80e3d0ac730e2c523407a347b431f629c32d77")
}

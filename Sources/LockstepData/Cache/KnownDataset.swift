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
    /// The folder of its files in the cache, and what the script that fetches them calls them; data sets that divide the same
    /// files differently share it.
    package let folder: String
    package let title: String
    package let classCount: Int
    /// A name for each class, without commas; empty: the classes are called by their numbers.
    package var classNames: [String] = []
    /// The number of samples in the validation split: the last samples of the training files.
    package let validationCount: Int
    package let trainingImages: File
    package let trainingLabels: File
    package let testImages: File
    package let testLabels: File
    /// SHA-256 of the data set's bytes (see ``DatasetLayout``), in hexadecimal. It does not depend on the splits.
    package let sha256: String

    package var files: [File] { [trainingImages, trainingLabels, testImages, testLabels] }

    /// All known data sets.
    package static let all = [mnist, mnist60000, fashionMNIST]

    /// The data set with this name.
    package static func named(_ name: String) throws(DataError) -> KnownDataset {
        guard let known = all.first(where: { $0.name == name }) else {
            throw DataError(.unknownDataset(known: all.map(\.name)), subject: "data set \(name)")
        }
        return known
    }

    /// The classes' names in the data set with this name and digest; nil: it is not known, or the classes have no names.
    package static func classNames(of name: String, sha256: String) -> [String]? {
        let known = all.first { $0.name == name && $0.sha256 == sha256 }
        return known.flatMap { $0.classNames.isEmpty ? nil : $0.classNames }
    }

    /// Handwritten digits, 28 x 28 pixels: 60,000 for training and validation, 10,000 for the test.
    package static let mnist = mnist(
        name: "mnist", title: "MNIST, handwritten digits of 28 x 28 pixels", validation: 10_000)

    /// The same digits, all 60,000 for training and none for validation.
    package static let mnist60000 = mnist(
        name: "mnist-60000", title: "MNIST with all 60,000 images for training, none for validation", validation: 0)

    private static func mnist(name: String, title: String, validation: Int) -> KnownDataset {
        KnownDataset(
            name: name,
            folder: "mnist",
            title: title,
            classCount: 10,
            validationCount: validation,
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

    /// Pictures of clothes, 28 x 28 pixels, divided like MNIST: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image
    /// dataset for benchmarking machine learning algorithms", 2017.
    package static let fashionMNIST = KnownDataset(
        name: "fashion-mnist",
        folder: "fashion-mnist",
        title: "Fashion-MNIST, clothes of 28 x 28 pixels",
        classCount: 10,
        classNames: [
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ],
        validationCount: 10_000,
        trainingImages: File(
            name: "train-images-idx3-ubyte",
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        trainingLabels: File(
            name: "train-labels-idx1-ubyte",
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        testImages: File(
            name: "t10k-images-idx3-ubyte",
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        testLabels: File(
            name: "t10k-labels-idx1-ubyte",
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        sha256: "9288c1dbb1c94f0d529cc815016716f77cc3ac7d7747172462b0b86041791024")
}

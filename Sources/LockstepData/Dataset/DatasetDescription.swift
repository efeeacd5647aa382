/// The properties of a data set that the processes of a run must agree on.
package struct DatasetDescription: Codable, Hashable, Sendable {
    package var name: String
    /// Values of a sample: 784 for MNIST.
    package var inputSize: Int
    package var classCount: Int
    package var element: DatasetElement
    package var trainingCount: Int
    /// Training samples behind the first ``trainingCount``, which the run leaves out.
    package var unusedCount: Int
    package var validationCount: Int
    package var testCount: Int
    /// SHA-256 of the data set's bytes (see ``Dataset``), in hexadecimal.
    package var sha256: String
    /// Whether each sample has a number that the network learns, and no class. Nil: no.
    package var hasTargets: Bool?
    /// The variance of the targets of each split, by which a cost becomes R². Workers do not receive it.
    package var targetVariances: [Split: Double] = [:]
    /// How the fields of a table became the samples' values. Models keep it; workers receive prepared samples without it.
    package var table: TablePreparation?
    /// The names of the classes, where they are not in ``table``. Workers do not receive them.
    package var labels: [String]?
    /// How pictures became the samples' values. Models keep it; workers do not receive it.
    package var pictures: PicturePreparation?
    /// What the user should know about how the data set was read. Workers do not receive it.
    package var notices: [String] = []

    private enum CodingKeys: CodingKey {
        case name, inputSize, classCount, element, trainingCount, unusedCount, validationCount, testCount, sha256,
            hasTargets
    }

    package init(
        name: String, inputSize: Int, classCount: Int, element: DatasetElement, trainingCount: Int,
        unusedCount: Int = 0, validationCount: Int, testCount: Int, sha256: String
    ) {
        self.name = name
        self.inputSize = inputSize
        self.classCount = classCount
        self.element = element
        self.trainingCount = trainingCount
        self.unusedCount = unusedCount
        self.validationCount = validationCount
        self.testCount = testCount
        self.sha256 = sha256
    }
}

extension DatasetDescription {
    /// Whether the classes have names that are not their numbers.
    package var namesClasses: Bool { classNames.enumerated().contains { String($0) != $1 } }

    /// A name for each class; its number where the data set names none.
    package var classNames: [String] {
        table?.classes ?? labels ?? KnownDataset.classNames(of: name, sha256: sha256)
            ?? (0..<classCount).map(String.init)
    }
}

/// The stored form of a sample's values.
package enum DatasetElement: String, Codable, Sendable {
    /// A byte b with the value b / 255.
    case uint8
    /// A little-endian float32.
    case float32
}

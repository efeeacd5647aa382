package import LockstepConfiguration

/// A format of data sets with its settings: a file format, or a data set in the cache.
package protocol DataFormat: ConfigurationKind {
    /// An example of a file, for a list of a command's possible arguments: "a table such as digits.csv"; nil if the format
    /// is not one file.
    static var fileExample: String? { get }
    /// The endings of its files' names, in lower case.
    static var fileEndings: [String] { get }

    /// Makes the format of the file at `path` with the default settings; nil if the format is not one file.
    init?(file path: String)

    /// Reads the samples into memory.
    ///
    /// - Parameter cache: The folder of fetched data sets.
    /// - Returns: The data set.
    /// - Throws: ``DataError`` that names the file, the place and the fault.
    func load(cache: DataCache) throws(DataError) -> Dataset
}

extension DataFormat {
    package static var fileExample: String? { nil }
    package static var fileEndings: [String] { [] }

    package init?(file path: String) { nil }
}

/// The source of a run's samples.
package struct DataSource: ConfigurationKinds {
    /// The registry: one row per format.
    package static let formats: [any DataFormat.Type] = [
        NamedDataset.self, PickleFile.self, TableFiles.self, NPZFile.self, NPYFiles.self, PictureFolder.self,
        IDXFiles.self,
    ]

    package static var all: [any ConfigurationKind.Type] { formats }

    package let format: any DataFormat
    /// The number of training samples to use, in the data set's order; nil: all.
    package var training: Int?

    package var kind: any ConfigurationKind { format }

    package init(_ format: any DataFormat, training: Int? = nil) {
        self.format = format
        self.training = training
    }

    package init?(kind: any ConfigurationKind) {
        guard let format = kind as? any DataFormat else { return nil }
        self.init(format)
    }

    /// Makes the source of a file; the name's ending determines the format, by default a pickle.
    package init(file path: String) {
        let name = path.lowercased()
        let format = Self.formats.first { $0.fileEndings.contains(where: name.hasSuffix) }
        self.init(format?.init(file: path) ?? PickleFile(path: path))
    }
}

extension DataSource {
    package static func == (left: DataSource, right: DataSource) -> Bool {
        left.hasKind(of: right) && left.training == right.training
    }

    package func hash(into hasher: inout Hasher) {
        kind.hash(into: &hasher)
        hasher.combine(training)
    }

    private enum CodingKeys: CodingKey {
        case training
    }

    package func encode(to encoder: any Encoder) throws {
        try encodeKind(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(training, forKey: .training)
    }

    package init(from decoder: any Decoder) throws {
        self = try Self.decodeKind(from: decoder)
        training = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .training)
    }
}

extension DataSource {
    /// Reads the data set into memory.
    ///
    /// - Parameter cache: The folder of fetched data sets.
    /// - Returns: The data set.
    /// - Throws: ``DataError`` that names the file, the place and the fault.
    package func load(cache: DataCache) throws(DataError) -> Dataset {
        let dataset = try format.load(cache: cache)
        guard let training else { return dataset }
        return try dataset.usingFirst(training)
    }
}

extension KeyFormat<Int?> {
    /// An optional number of samples.
    static var sampleCount: KeyFormat { KeyFormat<Int>.integer(0...1_000_000_000).optional }
}

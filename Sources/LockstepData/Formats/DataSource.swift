package import LockstepConfiguration

/// A kind of place where samples come from: a data set of the cache, or a file format with its settings.
package protocol DataFormat: ConfigurationKind {
    /// What a file of the format is called in a list of what a command can be given: "a table such as digits.csv"; nil
    /// if the format is not told by one file's name.
    static var fileExample: String? { get }
    /// How the names of its files end, in lower case.
    static var fileEndings: [String] { get }

    /// Reads the file at `path` with the default settings; nil if the format is not one file.
    init?(file path: String)

    /// Reads the samples into memory.
    ///
    /// - Parameter cache: Where data sets lie that a script has fetched.
    /// - Returns: The data set.
    /// - Throws: ``DataError`` that names what is missing or wrong, with the file and the place in it.
    func load(cache: DataCache) throws(DataError) -> Dataset
}

extension DataFormat {
    package static var fileExample: String? { nil }
    package static var fileEndings: [String] { [] }

    package init?(file path: String) { nil }
}

/// Where a run's samples come from.
package struct DataSource: ConfigurationKinds {
    /// The registry: a row for each format.
    package static let formats: [any DataFormat.Type] = [
        NamedDataset.self, PickleFile.self, TableFiles.self, IDXFiles.self,
    ]

    package static var all: [any ConfigurationKind.Type] { formats }

    package let format: any DataFormat

    package var kind: any ConfigurationKind { format }

    package init(_ format: any DataFormat) {
        self.format = format
    }

    package init?(kind: any ConfigurationKind) {
        guard let format = kind as? any DataFormat else { return nil }
        self.init(format)
    }

    /// A file, whose format its name tells; a pickle where it tells none.
    package init(file path: String) {
        let name = path.lowercased()
        let format = Self.formats.first { $0.fileEndings.contains(where: name.hasSuffix) }
        self.init(format?.init(file: path) ?? PickleFile(path: path))
    }
}

extension Dataset {
    /// Reads a data set into memory.
    ///
    /// - Throws: ``DataError`` that names what is missing or wrong, with the file and the place in it.
    package static func load(_ source: DataSource, cache: DataCache) throws(DataError) -> Dataset {
        try source.format.load(cache: cache)
    }
}

extension KeyFormat<Int?> {
    /// A number of samples.
    static var sampleCount: KeyFormat { KeyFormat<Int>.integer(0...1_000_000_000).optional }
}

import Glibc
import LockstepArtifacts
import LockstepData
import LockstepSystem
import LockstepTraining

extension DataSource {
    /// What `--data` can be, for help and errors.
    static let argumentHelp = """
        The name of a data set, \(fileExamples), a folder with four IDX files or with a folder of pictures for each \
        class, or a run configuration, whose data set is used.
        """

    /// "a pickle such as mnist.pkl.gz, a table such as digits.csv".
    private static let fileExamples = formats.compactMap { $0.fileExample }.joined(separator: ", ")

    /// Reads `--data`: the name of a known data set, a file of one of the formats, a run configuration in YAML, or a folder with
    /// four IDX files or with pictures by class.
    ///
    /// - Throws: `DataError` if it is none of these.
    init(argument: String) throws {
        if let known = try? KnownDataset.named(argument) {
            self = .named(known.name)
            return
        }
        var status = stat()
        let exists = fileStatus(argument, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFREG {
            let isConfiguration = [".yaml", ".yml"].contains(where: argument.lowercased().hasSuffix)
            self = isConfiguration ? try ConfigurationFile.load(path: argument).data : DataSource(file: argument)
            return
        }
        guard exists, status.st_mode & S_IFMT == S_IFDIR else {
            throw DataError(
                .unknownDataset(known: KnownDataset.all.map(\.name)), subject: "data set '\(argument)'",
                remedy: "give the name of a known data set "
                    + "(\(KnownDataset.all.map(\.name).joined(separator: ", "))), \(Self.fileExamples), a configuration, or "
                    + "a folder with four IDX files or with a folder of pictures for each class")
        }
        self = try DataSource(path: argument)
    }
}

import Glibc
import LockstepData

extension DataSource {
    /// `--data`: the name of a known data set, a pickle such as `mnist.pkl.gz`, or a folder with four IDX files under
    /// the usual names.
    init(argument: String) throws(DataError) {
        if let known = try? KnownDataset.named(argument) {
            self = .named(known.name)
            return
        }
        var status = stat()
        let exists = stat(argument, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFREG {
            self = .pickle(argument)
            return
        }
        guard exists, status.st_mode & S_IFMT == S_IFDIR else {
            throw DataError(
                .unknownDataset(known: KnownDataset.all.map(\.name)), subject: "data set '\(argument)'",
                remedy: "give a known name (\(KnownDataset.all.map(\.name).joined(separator: ", "))), a pickle such as "
                    + "mnist.pkl.gz, or a folder with four IDX files")
        }
        let files = KnownDataset.mnist
        let path = { (file: KnownDataset.File) in
            let plain = "\(argument)/\(file.name)"
            return access(plain, F_OK) == 0 ? plain : access(plain + ".gz", F_OK) == 0 ? plain + ".gz" : plain
        }
        self = .files(
            IDXFiles(
                images: path(files.trainingImages), labels: path(files.trainingLabels),
                testImages: path(files.testImages), testLabels: path(files.testLabels)))
    }
}

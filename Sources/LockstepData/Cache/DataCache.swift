import Glibc
import LockstepDigest
import LockstepSystem
import LockstepText

/// The folder that holds fetched and received data sets.
///
/// `FOLDER/` holds the files of a ``KnownDataset``; `datasets/SHA256.blob` holds the bytes of a data set from a coordinator.
package struct DataCache: Hashable, Sendable {
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// Uses the folder in the environment variable `LOCKSTEP_CACHE`, else `.cache/lockstep` in `HOME` or, where that is not
    /// set, in the user's home; a user without a home has a folder of his own in the folder for temporary files.
    ///
    /// What lies there is compared with digests before it is used.
    ///
    /// - Parameters:
    ///   - variable: Looks an environment variable up.
    ///   - home: Returns the user's home as the system knows it.
    package init(
        environment variable: (String) -> String? = environmentPath,
        home: () -> String? = {
            getpwuid(getuid()).flatMap { $0.pointee.pw_dir }.map { String(path: UnsafePointer($0)) }
        }
    ) {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let directory = value("LOCKSTEP_CACHE") {
            self.directory = directory
        } else if let home = value("HOME") ?? home(), !home.isEmpty {
            directory = home + "/.cache/lockstep"
        } else {
            directory = "\(value("TMPDIR") ?? "/tmp")/lockstep-cache-\(getuid())"
        }
    }

    /// The folder of a known data set's files.
    package func directory(of known: KnownDataset) -> String {
        "\(directory)/\(known.folder)"
    }

    /// The path of a known data set's file, plain or gzipped; plain if both exist.
    func path(of file: KnownDataset.File, in known: KnownDataset) throws(DataError) -> String {
        let plain = "\(directory(of: known))/\(file.name)"
        for path in [plain, plain + ".gz"] where access(path, F_OK) == 0 { return path }
        throw DataError(
            .notInCache(file: file.name, directory: directory(of: known)), subject: "data set \(known.name)",
            remedy: "run \(known.fetchCommand)")
    }
}

import Glibc
import LockstepDigest
import LockstepSystem

extension DataCache {
    /// Maps a data set that ``store(_:)`` has written earlier.
    ///
    /// Verifies its SHA-256 first; a damaged file is deleted.
    ///
    /// - Returns: The data set; nil if there is none that fits the description.
    package func received(_ description: DatasetDescription) -> Dataset? {
        // The digest becomes a file name: only hexadecimal digits are allowed.
        guard let digest = SHA256Digest(hex: description.sha256) else { return nil }
        let path = blobPath(digest)
        guard let file = try? InputFile(path: path) else { return nil }
        guard let memory = try? MappedMemory(readingFrom: file),
            SHA256.hash(UnsafeRawBufferPointer(memory.bytes)) == digest
        else {
            unlink(path)
            return nil
        }
        return try? Dataset(description: description, bytes: UnsafeRawBufferPointer(memory.bytes), owner: memory)
    }

    /// Writes a data set to a file named after its digest, which is verified first.
    ///
    /// The file gets its name only after all its bytes are on disk.
    ///
    /// - Throws: ``DataError`` if the digest is wrong or the file cannot be written.
    package func store(_ dataset: Dataset) throws(DataError) {
        try dataset.verifyDigest()
        guard let digest = SHA256Digest(hex: dataset.description.sha256) else { return }
        let folder = "\(directory)/datasets"
        try makeFolder(folder)
        removeAbandoned(in: folder)
        let path = blobPath(digest)
        // Hosts that share the folder may write the same file at the same time.
        let temporary = "\(path).\(getpid()).\(UInt64.random(in: 0 ... .max))"
        try FileReplacement.replace(path, with: [dataset.bytes], through: temporary) {
            DataError(system: $0.code, subject: $0.path ?? path)
        }
    }

    /// Removes this user's files that processes began to write and never finished.
    ///
    /// Processes of other hosts may write here too: only what has not been written to for an hour is abandoned.
    private func removeAbandoned(in folder: String) {
        removeOldFiles(in: folder, untouchedFor: 3_600) { name in
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[1] == "blob" && SHA256Digest(hex: String(parts[0])) != nil
                && Int32(parts[2]) != nil && UInt64(parts[3]) != nil
        }
    }

    private func blobPath(_ digest: SHA256Digest) -> String {
        "\(directory)/datasets/\(digest.hex).blob"
    }

    /// Creates a folder and its parents.
    private func makeFolder(_ path: String) throws(DataError) {
        var partial = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            partial += "/\(component)"
            guard mkdir(partial, 0o777) == 0 || errno == EEXIST else {
                throw DataError(system: errno, subject: partial)
            }
        }
    }
}

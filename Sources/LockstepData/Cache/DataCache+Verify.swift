import LockstepDigest

/// The state of one file of a known data set in the cache.
package struct DataFileReport: Hashable, Sendable {
    package enum Status: Hashable, Sendable {
        case ok
        case missing
        case wrongDigest(expected: String)
        /// The file cannot be read or uncompressed.
        case unreadable(DataError)
    }

    /// The file's path, or its expected path if it is missing.
    package let path: String
    /// Bytes of the uncompressed content.
    package let size: Int?
    /// SHA-256 of the uncompressed content, in hexadecimal.
    package let sha256: String?
    package let status: Status
}

/// The state of a known data set in the cache.
package struct DatasetReport: Hashable, Sendable {
    package let dataset: KnownDataset
    package let directory: String
    package let files: [DataFileReport]

    /// Whether every file is present and has the right digest.
    package var isComplete: Bool { files.allSatisfy { $0.status == .ok } }
    /// Whether none of its files is there.
    package var isAbsent: Bool { files.allSatisfy { $0.status == .missing } }
}

extension DataCache {
    /// Reads the files of a known data set and compares their digests.
    ///
    /// - Throws: ``DataError`` if no data set has this name. Faults of files are part of the report.
    package func verify(_ name: String) throws(DataError) -> DatasetReport {
        let known = try KnownDataset.named(name)
        return DatasetReport(
            dataset: known, directory: directory(of: known), files: known.files.map { verify($0, in: known) })
    }

    private func verify(_ file: KnownDataset.File, in known: KnownDataset) -> DataFileReport {
        guard let path = try? path(of: file, in: known) else {
            let path = "\(directory(of: known))/\(file.name)"
            return DataFileReport(path: path, size: nil, sha256: nil, status: .missing)
        }
        do throws(DataError) {
            let (size, digest) = try digestOfContent(at: path)
            let status: DataFileReport.Status =
                digest.hex == file.sha256 ? .ok : .wrongDigest(expected: file.sha256)
            return DataFileReport(path: path, size: size, sha256: digest.hex, status: status)
        } catch {
            return DataFileReport(path: path, size: nil, sha256: nil, status: .unreadable(error))
        }
    }

    /// The size and digest of a file's uncompressed content; reads no further than the size limit of an IDX file.
    private func digestOfContent(at path: String) throws(DataError) -> (size: Int, digest: SHA256Digest) {
        let content = try ContentReader(path: path)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 64)
        defer { buffer.deallocate() }
        let limit = IDXKind.images.headerSize + IDXHeader.largestPayload
        var digest = SHA256()
        while true {
            let count = try content.read(into: buffer)
            digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard content.offset <= limit else {
                throw DataError(
                    .tooLarge(what: "the content", found: content.offset, limit: limit), subject: path,
                    offset: content.offset)
            }
            if count < buffer.count { return (content.offset, digest.finalize()) }
        }
    }
}

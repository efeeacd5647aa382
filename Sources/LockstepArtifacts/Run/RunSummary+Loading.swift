import Foundation
import Glibc

extension RunSummary {
    /// Larger than any summary: a million epochs.
    private static let largestFile = 1 << 29

    /// Reads a run's `summary.json`.
    ///
    /// - Throws: ``ArtifactError`` that names the file, where it is missing or not a summary.
    package static func load(_ directory: RunDirectory) throws(ArtifactError) -> RunSummary {
        try load(path: directory.summary)
    }

    /// Reads a `summary.json`.
    package static func load(path: String) throws(ArtifactError) -> RunSummary {
        let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
        let size = try file.regularFileSize()
        guard size <= largestFile else { throw .tooLarge(path: path, limit: largestFile) }
        var bytes = [UInt8](repeating: 0, count: size)
        let isWhole = try bytes.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
            try file.read(into: UnsafeMutableRawBufferPointer(target), at: 0)
        }
        guard isWhole, let summary = try? JSONDecoder().decode(RunSummary.self, from: Data(bytes)) else {
            throw .malformed(path: path, reason: "not the summary of a run", remedy: "give a run directory")
        }
        return summary
    }
}

package import LockstepArtifacts

/// A run directory that this process works in, locked against other processes until this object goes.
package final class OpenRunDirectory {
    package let directory: RunDirectory
    private let lock: RunLock

    /// Locks a run directory.
    ///
    /// - Throws: `ArtifactError` while another process holds the lock.
    package init(_ directory: RunDirectory) throws(ArtifactError) {
        self.directory = directory
        self.lock = try RunLock(directory)
    }
}

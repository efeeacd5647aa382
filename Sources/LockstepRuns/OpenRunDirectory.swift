package import LockstepArtifacts

/// A run directory that this process works in, locked against other processes until this object goes.
package final class OpenRunDirectory {
    package let directory: RunDirectory
    private let lock: RunLock
    /// Whether this process has made the folder.
    private let isNew: Bool

    /// Locks a run directory.
    ///
    /// - Throws: `ArtifactError` while another process holds the lock.
    package init(_ directory: RunDirectory, isNew: Bool = false) throws(ArtifactError) {
        self.directory = directory
        self.isNew = isNew
        self.lock = try RunLock(directory)
    }

    /// Removes what this process has left here, if its run has not begun; the folder too, if this process has made it.
    ///
    /// - Parameter withLogs: Whether the logs of workers go too; they may say why the start failed.
    func discardUnlessBegun(withLogs: Bool) {
        directory.removeLeftovers(withLogs: withLogs, withFolder: isNew)
    }
}

import Glibc
package import LockstepNetwork
import LockstepTraining

/// The `checkpoints` folder of a run: a file for each of the last few states.
package struct CheckpointFolder: Sendable {
    /// Files that stay; older ones go when a newer one is safe.
    package static let kept = 3

    package let path: String

    package init(path: String) {
        self.path = path
    }

    private static let prefix = "step-"
    private static let suffix = ".safetensors"
    /// Behind the name of a file that was found damaged; kept for whoever wants to know why.
    private static let damagedSuffix = ".damaged"

    /// Where the state before this step is kept.
    package func file(ofStep step: UInt64) -> String {
        "\(path)/\(Self.prefix)\(step)\(Self.suffix)"
    }

    /// The steps of the files there, the newest first.
    ///
    /// - Returns: None where there is no folder.
    /// - Throws: ``ArtifactError`` for a folder that cannot be read.
    package func steps() throws(ArtifactError) -> [UInt64] {
        let names: [String]
        do throws(ArtifactError) {
            names = try LockstepArtifacts.names(in: path)
        } catch .system(_, _, let code) where code == ENOENT {
            return []
        }
        return names.compactMap(Self.step).sorted(by: >)
    }

    /// `step-12.safetensors` is 12; other spellings of a number are no checkpoints.
    private static func step(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
        guard let step = UInt64(digits), String(step) == digits else { return nil }
        return step
    }

    /// Writes a checkpoint, and removes those that have become too many.
    ///
    /// - Parameters:
    ///   - checkpoint: Its parameters and optimizer buffers have the layout's count.
    ///   - layout: Of the run's network.
    ///   - before: Called ahead of each stage.
    /// - Throws: ``ArtifactError``; the files there before stay as they are.
    func write(
        _ checkpoint: Checkpoint, layout: ParameterLayout, before: AtomicFile.Hook = { _ in }
    ) throws(ArtifactError) {
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw .system(.makeFolder, path: path, code: errno) }
        try CheckpointFile.save(
            checkpoint, layout: layout, to: file(ofStep: checkpoint.state.progress.step), before: before)
        for step in try steps().dropFirst(Self.kept) { unlink(file(ofStep: step)) }
    }

    /// What a search for the newest checkpoint has found.
    package struct Finding {
        /// The newest that is whole; nil if there is none.
        package var checkpoint: Checkpoint?
        /// Newer files that are not, with what is wrong with each.
        package var damaged: [ArtifactError] = []
    }

    /// Looks for the newest checkpoint that is whole.
    ///
    /// Damaged files that are newer than it are renamed to end in `.damaged`, so that they are in nobody's way. For a
    /// folder that no other process writes into.
    ///
    /// - Parameter layout: Of the run's network.
    /// - Returns: The checkpoint, and what was wrong with newer ones.
    /// - Throws: ``ArtifactError`` for a folder that cannot be read.
    package func newest(layout: ParameterLayout) throws(ArtifactError) -> Finding {
        AtomicFile.removeLeftovers(in: path)
        var finding = Finding()
        for step in try steps() {
            let file = file(ofStep: step)
            do throws(ArtifactError) {
                let checkpoint = try CheckpointFile.load(file, layout: layout)
                guard checkpoint.state.progress.step == step else {
                    throw .malformed(
                        path: file, reason: "it is of step \(checkpoint.state.progress.step)", remedy: nil)
                }
                finding.checkpoint = checkpoint
                break
            } catch {
                finding.damaged.append(error)
            }
        }
        if finding.checkpoint != nil {
            for error in finding.damaged { _ = rename(error.path, error.path + Self.damagedSuffix) }
        }
        return finding
    }
}

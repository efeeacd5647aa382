import Glibc
package import LockstepModel
import LockstepSystem
import LockstepTraining

/// The `checkpoints` folder of a run: a file for each of the last few states.
package struct CheckpointFolder: Sendable {
    /// The number of checkpoints that are kept; older ones are removed once a newer one is saved.
    package static let maximumCount = 3

    package let path: String

    package init(path: String) {
        self.path = path
    }

    private static let prefix = "step-"
    private static let suffix = ".safetensors"
    /// The suffix that a damaged file is given; it is kept, so that its damage can be examined.
    private static let damagedSuffix = ".damaged"

    /// The file with the state before this step.
    package func file(ofStep step: UInt64) -> String {
        "\(path)/\(Self.prefix)\(step)\(Self.suffix)"
    }

    /// The steps of the checkpoints, the newest first.
    ///
    /// - Returns: None if the folder does not exist.
    /// - Throws: ``ArtifactError`` if the folder cannot be read.
    package func steps() throws(ArtifactError) -> [UInt64] {
        let names: [String]
        do throws(SystemError) {
            names = try LockstepSystem.names(in: path)
        } catch {
            guard error.code != ENOENT else { return [] }
            throw .system(.readFolder, path: path, code: error.code)
        }
        return names.compactMap(Self.step).sorted(by: >)
    }

    /// 12 for `step-12.safetensors`; nil for a number that is spelled in any other way.
    private static func step(of name: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
        guard let step = UInt64(digits), String(step) == digits else { return nil }
        return step
    }

    /// Writes a checkpoint and removes the oldest ones beyond ``maximumCount``.
    ///
    /// - Parameters:
    ///   - checkpoint: Its parameters and optimizer buffers have the layout's count.
    ///   - layout: The layout of the run's network.
    ///   - before: Called before each stage.
    /// - Throws: ``ArtifactError``; earlier checkpoints are unchanged.
    func write(
        _ checkpoint: Checkpoint, layout: ParameterLayout, before: AtomicFile.Hook = { _ in }
    ) throws(ArtifactError) {
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw .system(.makeFolder, path: path, code: errno) }
        try CheckpointFile.save(
            checkpoint, layout: layout, to: file(ofStep: checkpoint.state.progress.step), before: before)
        for step in try steps().dropFirst(Self.maximumCount) { unlink(file(ofStep: step)) }
    }

    /// The result of a search for the newest checkpoint.
    package struct SearchResult {
        /// The newest undamaged checkpoint; nil if there is none.
        package var checkpoint: Checkpoint?
        /// The faults of newer files.
        package var damaged: [ArtifactError] = []
    }

    /// Finds the newest undamaged checkpoint.
    ///
    /// Newer files, which are damaged, are renamed to end in `.damaged`. Only for a folder that no other process writes into.
    ///
    /// - Parameter layout: The layout of the run's network.
    /// - Returns: The checkpoint, and the faults of newer files.
    /// - Throws: ``ArtifactError`` if the folder cannot be read, or if a file that is newer than the newest undamaged checkpoint
    ///   has a format version that this program does not know: it is no damage that an older state could make up for.
    package func newest(layout: ParameterLayout) throws(ArtifactError) -> SearchResult {
        FileReplacement.removeLeftovers(in: path)
        var result = SearchResult()
        for step in try steps() {
            let file = file(ofStep: step)
            do throws(ArtifactError) {
                let checkpoint = try CheckpointFile.load(file, layout: layout)
                guard checkpoint.state.progress.step == step else {
                    throw .malformed(
                        path: file, reason: "it is of step \(checkpoint.state.progress.step)", remedy: nil)
                }
                result.checkpoint = checkpoint
                break
            } catch {
                if case .unknownVersion = error { throw error }
                result.damaged.append(error)
            }
        }
        if result.checkpoint != nil {
            for error in result.damaged { _ = rename(error.path, error.path + Self.damagedSuffix) }
        }
        return result
    }
}

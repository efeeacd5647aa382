import LockstepNumerics
import LockstepSystem
import Synchronization

/// The end of a step for a chunk of the parameters, in pieces: the last addition of its gradient, then the new weights.
///
/// A piece is small enough to stay in a core's cache from one pass to the next; and where cores are idle, each takes
/// pieces. An element's bits do not depend on who computes it.
package final class ChunkUpdate: PiecewiseWork, @unchecked Sendable {
    /// Elements of a piece: 64 KiB of each of the buffers involved.
    package static let pieceCount = 16_384

    private let optimizer: any Optimizer
    private let crew: Crew?
    private var task: (sum: ChunkSum, parameters: VersionedParameters)?
    private let isFinite = Atomic(true)

    /// - Parameters:
    ///   - optimizer: The rule.
    ///   - crew: Who may help.
    init(optimizer: any Optimizer, crew: Crew?) {
        self.optimizer = optimizer
        self.crew = crew
    }

    /// Makes a chunk of the next weights.
    ///
    /// - Parameters:
    ///   - sum: Of the chunk's gradients.
    ///   - parameters: The weights; the chunk's part of the next ones is written.
    ///   - coresAreIdle: Whether others may help.
    /// - Returns: Whether all new weights are finite.
    func run(_ sum: ChunkSum, _ parameters: VersionedParameters, coresAreIdle: Bool) -> Bool {
        task = (sum, parameters)
        isFinite.store(true, ordering: .relaxed)
        let pieces = (sum.range.count + Self.pieceCount - 1) / Self.pieceCount
        if coresAreIdle, let crew {
            crew.perform(self, pieces: pieces)
        } else {
            for piece in 0..<pieces { perform(piece: piece) }
        }
        task = nil
        return isFinite.load(ordering: .relaxed)
    }

    package func perform(piece: Int) {
        guard let (sum, parameters) = task else { return }
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let start = sum.range.lowerBound + piece * Self.pieceCount
        let range = start..<min(start + Self.pieceCount, sum.range.upperBound)
        // The sum is put where the weights come that are made of it: one buffer less to write and read.
        let room = parameters.next.pointer + range.lowerBound
        let isGood = optimizer.update(
            range, from: parameters.current.pointer, sum: sum.make(range, in: room), into: parameters.next.pointer)
        if !isGood { isFinite.store(false, ordering: .relaxed) }
        parameters.round(range, of: parameters.version + 1)
    }
}

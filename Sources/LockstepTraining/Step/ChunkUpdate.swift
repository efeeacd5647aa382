import LockstepNumerics
import LockstepSystem
import Synchronization

/// The end of a step for one chunk of the parameters: the last addition of its gradient, then the new weights.
///
/// Both are computed in tiles, small enough to stay in a core's cache from one pass to the next. Where cores are idle,
/// several threads share the tiles; the bits of an element do not depend on the thread that computes it.
package final class ChunkUpdate: ParallelWork, @unchecked Sendable {
    /// Elements of a tile: 64 KiB of each buffer.
    package static let tileSize = 16_384

    private let optimizer: any Optimizer
    private let threadPool: ThreadPool?
    private var task: (sum: ChunkSum, parameters: VersionedParameters)?
    private let isFinite = Atomic(true)

    /// - Parameters:
    ///   - optimizer: Computes the new weights.
    ///   - threadPool: Threads that share the tiles.
    init(optimizer: any Optimizer, threadPool: ThreadPool?) {
        self.optimizer = optimizer
        self.threadPool = threadPool
    }

    /// Computes a chunk of the next weights.
    ///
    /// - Parameters:
    ///   - sum: The sum of the chunk's gradients.
    ///   - parameters: The weights; the chunk of the next ones is written.
    ///   - coresAreIdle: Whether other threads may share the tiles.
    /// - Returns: Whether all new weights are finite.
    func run(_ sum: ChunkSum, _ parameters: VersionedParameters, coresAreIdle: Bool) -> Bool {
        task = (sum, parameters)
        isFinite.store(true, ordering: .relaxed)
        let tiles = (sum.range.count + Self.tileSize - 1) / Self.tileSize
        if coresAreIdle, let threadPool {
            threadPool.perform(self, tiles: tiles)
        } else {
            for tile in 0..<tiles { perform(tile: tile) }
        }
        task = nil
        return isFinite.load(ordering: .relaxed)
    }

    package func perform(tile: Int) {
        guard let (sum, parameters) = task else { return }
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let start = sum.range.lowerBound + tile * Self.tileSize
        let range = start..<min(start + Self.tileSize, sum.range.upperBound)
        // The sum goes where the new weights will replace it: one buffer less to write and read.
        let scratch = parameters.next.pointer + range.lowerBound
        let isTileFinite = optimizer.update(
            range, from: parameters.current.pointer, sum: sum.compute(range, in: scratch), into: parameters.next.pointer
        )
        if !isTileFinite { isFinite.store(false, ordering: .relaxed) }
        parameters.round(range, of: parameters.version + 1)
    }
}

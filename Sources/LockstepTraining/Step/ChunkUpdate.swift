import LockstepNumerics
import LockstepSharding
import LockstepSystem

/// The end of a step for one chunk of the parameters: the last addition of its gradient, then the new weights.
///
/// Both are computed in tiles, small enough to stay in a core's cache from one pass to the next. Where cores are idle,
/// several threads share the tiles; the bits of an element do not depend on the thread that computes it.
package final class ChunkUpdate: ParallelWork, @unchecked Sendable {
    /// Elements of a tile: 64 KiB of each buffer.
    package static let tileSize = 16_384

    private static let maximumTiles = (ChunkLayout.maximumElements + tileSize - 1) / tileSize

    private let optimizer: any Optimizer
    private let threadPool: ThreadPool?
    private var task: (sum: ChunkSum, parameters: VersionedParameters)?
    /// What each tile of the chunk has read and written; a tile writes only its own place.
    private let tiles: UnsafeMutableBufferPointer<TileCheck>

    /// What the update of a tile has read and written.
    struct TileCheck {
        var update = UpdateCheck()
        var rounding: (replaced: UInt32, written: UInt32) = (0, 0)

        static func += (left: inout TileCheck, right: TileCheck) {
            left.update += right.update
            left.rounding.replaced &+= right.rounding.replaced
            left.rounding.written &+= right.rounding.written
        }
    }

    /// - Parameters:
    ///   - optimizer: Computes the new weights.
    ///   - threadPool: Threads that share the tiles.
    init(optimizer: any Optimizer, threadPool: ThreadPool?) {
        self.optimizer = optimizer
        self.threadPool = threadPool
        self.tiles = .allocate(capacity: Self.maximumTiles)
        tiles.initialize(repeating: TileCheck())
    }

    deinit {
        tiles.deallocate()
    }

    /// Computes a chunk of the next weights.
    ///
    /// - Parameters:
    ///   - sum: The sum of the chunk's gradients.
    ///   - parameters: The weights; the chunk of the next ones is written.
    ///   - coresAreIdle: Whether other threads may share the tiles.
    /// - Returns: What was read and written.
    func run(_ sum: ChunkSum, _ parameters: VersionedParameters, coresAreIdle: Bool) -> TileCheck {
        task = (sum, parameters)
        let count = (sum.range.count + Self.tileSize - 1) / Self.tileSize
        if coresAreIdle, let threadPool {
            threadPool.perform(self, tiles: count)
        } else {
            for tile in 0..<count { perform(tile: tile) }
        }
        task = nil
        var check = TileCheck()
        for tile in 0..<count { check += tiles[tile] }
        return check
    }

    package func perform(tile: Int) {
        guard let (sum, parameters) = task else { return }
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let start = sum.range.lowerBound + tile * Self.tileSize
        let range = start..<min(start + Self.tileSize, sum.range.upperBound)
        // The sum goes where the new weights will replace it: one buffer less to write and read.
        let scratch = parameters.next.pointer + range.lowerBound
        let update = optimizer.update(
            range, from: parameters.current.pointer, sum: sum.compute(range, in: scratch), into: parameters.next.pointer
        )
        let rounding = parameters.round(range, of: parameters.version + 1)
        tiles[tile] = TileCheck(update: update, rounding: rounding)
    }
}

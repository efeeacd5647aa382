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
    private var task: Task?
    /// What each tile of the chunk has read and written; a tile writes only its own place.
    private let tiles: UnsafeMutableBufferPointer<TileCheck>

    /// What is done with the tiles of a chunk.
    private struct Task {
        let sum: ChunkSum
        let parameters: VersionedParameters
        let work: Work
    }

    private enum Work {
        /// The sum goes to the memory of the next weights, and its squares are added.
        case collect
        /// The sum, limited, becomes the next weights.
        case update(Limit?)
    }

    /// What limits the elements of a sum.
    enum Limit {
        case magnitude(Float)
        case factor(Float)
    }

    /// What the update of a tile has read and written.
    struct TileCheck {
        var update = UpdateCheck()
        var rounding: (replaced: UInt32, written: UInt32) = (0, 0)
        /// The sum of the squares of the tile's gradient, where it is only collected.
        var squares = 0.0

        static func += (left: inout TileCheck, right: TileCheck) {
            left.update += right.update
            left.rounding.replaced &+= right.rounding.replaced
            left.rounding.written &+= right.rounding.written
            left.squares += right.squares
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
    ///   - limit: Limits the elements of the sum; nil: nothing does.
    ///   - coresAreIdle: Whether other threads may share the tiles.
    /// - Returns: What was read and written.
    func run(
        _ sum: ChunkSum, _ parameters: VersionedParameters, limit: Limit? = nil, coresAreIdle: Bool
    ) -> TileCheck {
        perform(Task(sum: sum, parameters: parameters, work: .update(limit)), coresAreIdle: coresAreIdle)
    }

    /// Computes a chunk of the gradient's sum, and keeps it in the memory of the next weights until they are computed.
    ///
    /// - Parameters:
    ///   - sum: The sum of the chunk's gradients.
    ///   - parameters: The weights; the chunk of the next ones is written.
    ///   - coresAreIdle: Whether other threads may share the tiles.
    /// - Returns: The sum of the squares of its elements, added tile by tile.
    func collect(_ sum: ChunkSum, _ parameters: VersionedParameters, coresAreIdle: Bool) -> Double {
        perform(Task(sum: sum, parameters: parameters, work: .collect), coresAreIdle: coresAreIdle).squares
    }

    private func perform(_ task: Task, coresAreIdle: Bool) -> TileCheck {
        self.task = task
        let sum = task.sum
        let count = (sum.range.count + Self.tileSize - 1) / Self.tileSize
        if coresAreIdle, let threadPool {
            threadPool.perform(self, tiles: count)
        } else {
            for tile in 0..<count { perform(tile: tile) }
        }
        self.task = nil
        var check = TileCheck()
        for tile in 0..<count { check += tiles[tile] }
        return check
    }

    package func perform(tile: Int) {
        guard let task else { return }
        let (sum, parameters) = (task.sum, task.parameters)
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let start = sum.range.lowerBound + tile * Self.tileSize
        let range = start..<min(start + Self.tileSize, sum.range.upperBound)
        // The sum goes where the new weights will replace it: one buffer less to write and read.
        let scratch = parameters.next.pointer + range.lowerBound
        var gradient = sum.compute(range, in: scratch)
        switch task.work {
        case .collect:
            if gradient != UnsafePointer(scratch) { scratch.update(from: gradient, count: range.count) }
            tiles[tile] = TileCheck(squares: sumSquares(scratch, count: range.count))
            return
        case .update(nil):
            break
        case .update(.magnitude(let limit)?):
            clamp(gradient, to: limit, into: scratch, count: range.count)
            gradient = UnsafePointer(scratch)
        case .update(.factor(let factor)?):
            scale(gradient, by: factor, into: scratch, count: range.count)
            gradient = UnsafePointer(scratch)
        }
        let update = optimizer.update(
            range, from: parameters.current.pointer, sum: gradient, into: parameters.next.pointer)
        let rounding = parameters.round(range, of: parameters.version + 1)
        tiles[tile] = TileCheck(update: update, rounding: rounding)
    }
}

import LockstepNumerics
import Testing

@Suite("Layouts of images")
struct ImageLayoutTests {
    static let shapes = [(1, 1, 1), (8, 3, 2), (16, 2, 2), (5, 4, 7), (20, 3, 3), (33, 1, 5)]

    @Test("blocks hold the plain images' channels in their lanes, and zeros", arguments: shapes, [1, 8, 16])
    func blocks(shape: (Int, Int, Int), lanes: Int) {
        let images = TestImages(
            shape: ImageShape(channels: shape.0, height: shape.1, width: shape.2, lanes: lanes), rows: 3)
        let plain = images.random(1)
        var blocked = [Float](repeating: .nan, count: images.blockedCount)
        blockImages(plain, into: &blocked, images.shape, rows: 3)
        #expect(blocked == images.blocked(plain, junk: 0))
        // [row 1, block, position, lane] by hand: the last channel, at the last position.
        let (channel, position) = (shape.0 - 1, shape.1 * shape.2 - 1)
        let block = images.shape.blocks + channel / lanes
        let index = (block * shape.1 * shape.2 + position) * lanes + channel % lanes
        #expect(blocked[index] == plain[2 * shape.0 * shape.1 * shape.2 - 1])

        var back = [Float](repeating: .nan, count: plain.count + 1)
        unblockImages(images.blocked(plain, junk: 9), into: &back, images.shape, rows: 3)
        #expect(Array(back.dropLast()) == plain)
        #expect(back[plain.count].isNaN)
    }

    @Test("unused lanes can be cleared, and nothing else is", arguments: shapes, [1, 8, 16])
    func clearing(shape: (Int, Int, Int), lanes: Int) {
        let images = TestImages(
            shape: ImageShape(channels: shape.0, height: shape.1, width: shape.2, lanes: lanes), rows: 2)
        let plain = images.random(2)
        var blocked = images.blocked(plain, junk: .nan)
        clearUnusedLanes(&blocked, images.shape, rows: 2)
        #expect(blocked == images.blocked(plain, junk: 0))
    }
}

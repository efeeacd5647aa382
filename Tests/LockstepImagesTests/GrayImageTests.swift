import Foundation
import LockstepData
import LockstepImages
import LockstepTesting
import Testing

@Suite("Images")
struct GrayImageTests {
    private func load(_ bytes: [UInt8]) throws -> [GrayImage] {
        let folder = try TemporaryFolder()
        return try GrayImage.load(try folder.write(bytes, to: "picture"))
    }

    /// A 3 x 2 greyscale PNG with the brightnesses 255 255 255 / 255 0 255, made by Python's zlib.
    private static let png: [UInt8] = Array(
        Data(
            base64Encoded:
                "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAAAAAC4HznGAAAAD0lEQVR42mP4//8/AxACABXyBPzfQfmmAAAAAElFTkSuQmCC")
            ?? Data())

    @Test("PGM files, raw and plain, are read; dark ink on bright paper becomes ink")
    func pgm() throws {
        let raw = try load(Array("P5\n# a comment\n3 2\n255\n".utf8) + [255, 255, 255, 255, 0, 255])
        let plain = try load(Array("P2 3 2 15 15 15 15 15 0 15".utf8))
        #expect(raw == plain)
        #expect(raw[0].ink == [0, 0, 0, 0, 1, 0])
        // Bright ink on dark paper, as MNIST has it.
        let dark = try load(Array("P5 3 2 255\n".utf8) + [0, 0, 0, 0, 255, 0])
        #expect(dark == raw)
    }

    @Test("PNG files are read by libpng")
    func png() throws {
        #expect(try load(Self.png).map(\.ink) == [[0, 0, 0, 0, 1, 0]])
    }

    @Test("IDX files hold several images")
    func idx() throws {
        let pictures = try load(IDX.file(magic: 0x0803, sizes: [2, 1, 3], content: [0, 255, 0, 0, 0, 255]))
        #expect(pictures.map(\.ink) == [[0, 1, 0], [0, 0, 1]])
        #expect(pictures[0].width == 3 && pictures[0].height == 1)
    }

    @Test("a damaged image, or another file, is refused")
    func refused() {
        for bytes in [
            Array("GIF89a".utf8), [], Array("P5 3 2 255\n".utf8) + [1, 2], Array("P5 0 2 255\n".utf8),
            Array("P5 99999999 99999999 255\n".utf8), Array("P5 3 2 65535\n".utf8), Array("P2 3 2 15 1 2".utf8),
            Array("P2 3 2 15 1 2 3 4 5 99".utf8), [0x89, 0x50, 0x4E, 0x47], Array(Self.png.prefix(40)),
        ] {
            #expect(throws: DataError.self) { try load(bytes) }
        }
    }

    @Test("any damage to a PGM or PNG gives an image or an error")
    func flippedBits() throws {
        var random = SplitMix64(seed: 3)
        for original in [Array("P5 3 2 255\n".utf8) + [255, 255, 255, 255, 0, 255], Self.png] {
            for _ in 0..<300 {
                var damaged = original
                damaged[Int.random(in: 0..<original.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
                do { _ = try load(damaged) } catch { #expect(error is DataError) }
            }
        }
    }

    @Test("a digit is scaled into 20 x 20 and centred by its mass")
    func preparation() {
        // A bar of 10 x 40 in the corner of a large sheet.
        var sheet = GrayImage(width: 100, height: 90)
        for y in 0..<40 { for x in 0..<10 { sheet[x, y] = 1 } }
        let prepared = DigitPreparation.prepare(sheet)
        #expect(prepared.width == 28 && prepared.height == 28)
        let box = prepared.boundingBox(threshold: 0)
        #expect(box?.rows == 4..<24)
        #expect(box?.columns.count == 5)
        #expect(prepared.ink.max() == 1)
        #expect(DigitPreparation.prepare(prepared) == prepared)
        #expect(DigitPreparation.prepare(GrayImage(width: 7, height: 7)).ink.allSatisfy { $0 == 0 })
    }

    @Test("the centre is the ink's centre of mass, not its box's")
    func centreOfMass() throws {
        // A foot as wide as the whole, under a thin stem at its left end.
        var sheet = GrayImage(width: 40, height: 40)
        for y in 0..<20 { for x in 0..<20 where x < 2 || y >= 16 { sheet[x, y] = 1 } }
        let prepared = DigitPreparation.prepare(sheet)
        // The mass is at 7.4 and 15.1, so the ink begins at 6.6 and -1.1 of 28, as near as the sheet allows.
        let box = try #require(prepared.boundingBox(threshold: 0))
        #expect(box.columns == 7..<27)
        #expect(box.rows == 0..<20)
    }

    @Test("a thin line stays dark when it is scaled down")
    func thinLine() {
        // The outline of a square: a new pixel covers four by four, of which the line has four, or seven at a corner.
        var sheet = GrayImage(width: 90, height: 90)
        for i in 0..<80 {
            for edge in [0, 79] {
                sheet[i, edge] = 1
                sheet[edge, i] = 1
            }
        }
        #expect(DigitPreparation.prepare(sheet).ink.max() == 1)
    }

    @Test("an image of MNIST's kind is unchanged, with its faintest ink")
    func preparedAlready() {
        var sheet = GrayImage(width: 28, height: 28)
        for y in 4..<24 { for x in 11..<17 { sheet[x, y] = x == 11 || x == 16 ? 0.05 : 1 } }
        #expect(DigitPreparation.prepare(sheet) == sheet)
    }

    @Test("scaling keeps the mean")
    func scaling() {
        let image = GrayImage(width: 3, height: 1, ink: [0, 1, 0.5])
        #expect(abs(image.scaled(width: 2, height: 1).ink.reduce(0, +) / 2 - 0.5) < 1e-6)
        #expect(image.scaled(width: 6, height: 2).ink == [0, 0, 1, 1, 0.5, 0.5, 0, 0, 1, 1, 0.5, 0.5])
    }
}

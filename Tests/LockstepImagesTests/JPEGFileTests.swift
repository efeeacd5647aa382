import Foundation
import LockstepData
import LockstepImages
import LockstepTesting
import Testing

@Suite("JPEG photographs")
struct JPEGFileTests {
    /// A dark L on bright paper, 24 x 16, made by Pillow: rows 3 to 12, columns 4 to 6, with a foot to column 13.
    private static let letter = bytes(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIU"
            + "FRT/wAALCAAQABgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1Fh"
            + "ByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT"
            + "lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APo39pP9oTxF8Hfi"
            + "t8FPDOi2Wl3Vh421o6bqMl/FI8sUfn2keYSsihWxcPywYZC8dc/QdFfMX7ZX7OPj744+Ivhnrvw/1nRdF1Xwfd3N6lxrEkg2zM9s8LIqwyq21oCS"
            + "GGOnByaPg14B/am0X4k6Pe/Ef4k+GNf8GRed9v07TraNJ5cwuItpFlGRiUxsfnHCnr0P07X/2Q==")

    private static func bytes(_ base64: String) -> [UInt8] { [UInt8](Data(base64Encoded: base64) ?? Data()) }

    private func load(_ bytes: [UInt8]) throws -> GrayImage {
        let folder = try TemporaryFolder()
        return try #require(try GrayImage.load(try folder.write(bytes, to: "picture.jpg")).first)
    }

    /// The letter with a segment of Exif behind the first marker.
    private static func oriented(_ orientation: UInt8, littleEndian: Bool) -> [UInt8] {
        let tiff: [UInt8] =
            littleEndian
            ? [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]
            : [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
        let content = Array("Exif\0\0".utf8) + tiff
        return Array(letter[..<2]) + [0xFF, 0xE1, 0, UInt8(content.count + 2)] + content + letter[2...]
    }

    @Test("are read: the ink is where it was drawn")
    func letter() throws {
        let image = try load(Self.letter)
        #expect(image.width == 24 && image.height == 16)
        let box = try #require(image.boundingBox(threshold: 0.5))
        #expect(box.columns == 4..<14 && box.rows == 3..<13)
        #expect(image[5, 5] > 0.9 && image[12, 11] > 0.9 && image[12, 5] == 0)
    }

    @Test("are turned as the camera was held", arguments: 1...8, [true, false])
    func orientation(orientation: Int, littleEndian: Bool) throws {
        let stored = try load(Self.letter)
        let image = try load(Self.oriented(UInt8(orientation), littleEndian: littleEndian))
        #expect(image.width == (orientation < 5 ? 24 : 16) && image.height == (orientation < 5 ? 16 : 24))
        // Where the stored pixel at column 5 and row 3 is seen: the definitions of Exif 2.32, table 6.
        let (right, bottom) = (23, 15)
        let places = [
            (5, 3), (right - 5, 3), (right - 5, bottom - 3), (5, bottom - 3), (3, 5), (bottom - 3, 5),
            (bottom - 3, right - 5), (3, right - 5),
        ]
        let (x, y) = places[orientation - 1]
        #expect(abs(image[x, y] - stored[5, 3]) < 0.02)
        #expect(abs(image.ink.reduce(0, +) - stored.ink.reduce(0, +)) < 1)
        let box = try #require(image.boundingBox(threshold: 0.5))
        let expected: [(Range<Int>, Range<Int>)] = [
            (4..<14, 3..<13), (10..<20, 3..<13), (10..<20, 3..<13), (4..<14, 3..<13),
            (3..<13, 4..<14), (3..<13, 4..<14), (3..<13, 10..<20), (3..<13, 10..<20),
        ]
        #expect(box.columns == expected[orientation - 1].0 && box.rows == expected[orientation - 1].1)
    }

    @Test("without a valid orientation stay as they are")
    func noOrientation() throws {
        let plain = try load(Self.letter)
        var far = Self.oriented(6, littleEndian: true)
        // The directory is said to be far beyond the end.
        far[17] = 0xFF
        for bytes in [Self.oriented(0, littleEndian: true), Self.oriented(9, littleEndian: false), far] {
            #expect(try load(bytes) == plain)
        }
    }

    @Test("that are damaged or cut off are refused, and too large ones before they are decoded")
    func refused() throws {
        let frame = try #require(
            Self.letter.indices.dropLast().first { Self.letter[$0] == 0xFF && Self.letter[$0 + 1] == 0xC0 })
        var (large, empty) = (Self.letter, Self.letter)
        large.replaceSubrange(frame + 5..<frame + 9, with: [0xF0, 0, 0xF0, 0])
        empty.replaceSubrange(frame + 5..<frame + 9, with: [0, 0, 0, 0])
        let error = #expect(throws: DataError.self) { try load(large) }
        #expect(error?.description.contains("the number of pixels is 3774873600, the limit is 67108864") == true)
        for bytes in [empty, Array(Self.letter[..<4]), Array(Self.letter[..<439]), Array(Self.letter.dropLast(20))] {
            let error = #expect(throws: DataError.self) { try load(bytes) }
            #expect(error?.description.contains("damaged image: ") == true)
        }
    }

    @Test("give an image or an error, whatever the damage")
    func flippedBits() throws {
        let seed: UInt64 = 3
        var random = SplitMix64(seed: seed)
        let original = Self.oriented(6, littleEndian: true)
        for _ in 0..<2_000 {
            var damaged = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                damaged[Int.random(in: 0..<original.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
            do { _ = try load(damaged) } catch { #expect(error is DataError, "seed \(seed)") }
        }
    }
}

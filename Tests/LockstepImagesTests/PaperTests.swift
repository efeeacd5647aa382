import Foundation
import LockstepImages
import LockstepTesting
import Testing

/// A sheet of 100 x 80 with a figure like a 4 and, where asked for, uneven light and noise.
private struct Sheet {
    static let (width, height) = (100, 80)
    var paper: (_ x: Int, _ y: Int) -> Double = { _, _ in 255 }
    /// The ink's brightness as a share of the paper's, or its brightness on a dark board.
    var ink: (_ paper: Double) -> Double = { $0 * 0.1 }
    var noise = 0.0
    var seed: UInt64 = 5

    static func isInk(_ x: Int, _ y: Int) -> Bool {
        (20..<60).contains(y) && (54..<60).contains(x) || (44..<50).contains(y) && (34..<66).contains(x)
            || (20..<44).contains(y) && (34..<40).contains(x)
    }

    var image: GrayImage { image(isInk: Self.isInk) }

    func image(isInk: (Int, Int) -> Bool) -> GrayImage {
        var random = SplitMix64(seed: seed)
        var brightness: [UInt8] = []
        for y in 0..<Self.height {
            for x in 0..<Self.width {
                let paper = paper(x, y)
                // The sum of twelve uniform numbers has the variance 1.
                let deviation =
                    noise == 0 ? 0 : (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0...1, using: &random) }
                brightness.append(
                    UInt8(max(0, min(255, ((isInk(x, y) ? ink(paper) : paper) + noise * deviation).rounded()))))
            }
        }
        return GrayImage(width: Self.width, height: Self.height, brightness: brightness)
    }
}

@Suite("Paper and ink")
struct PaperTests {
    /// The share of the figure's pixels that are ink, and the number of other pixels that are.
    private func found(_ image: GrayImage) -> (share: Double, others: Int) {
        var (inside, all, others) = (0, 0, 0)
        for y in 0..<Sheet.height {
            for x in 0..<Sheet.width {
                if Sheet.isInk(x, y) {
                    all += 1
                    if image[x, y] > 0.5 { inside += 1 }
                } else if image[x, y] > 0.5 {
                    others += 1
                }
            }
        }
        return (Double(inside) / Double(all), others)
    }

    @Test("paper of any brightness gives the same ink", arguments: [255, 220, 180, 140, 100])
    func grey(paper: Int) {
        let image = Sheet(paper: { _, _ in Double(paper) }).image
        #expect(image.ink.allSatisfy { $0 == 0 || $0 > 0.89 })
        #expect(found(image) == (1, 0))
    }

    @Test("bright ink on dark boards is ink", arguments: [0, 40, 80])
    func board(paper: Int) {
        let image = Sheet(paper: { _, _ in Double(paper) }, ink: { _ in 230 }).image
        #expect(image.ink.allSatisfy { $0 == 0 || $0 > 0.9 })
        #expect(found(image) == (1, 0))
    }

    @Test("light that falls unevenly is paper", arguments: [0.0, 8])
    func gradient(noise: Double) {
        let sheets = [
            Sheet(paper: { x, _ in 255 - 55 * Double(x) / 99 }, noise: noise),
            Sheet(paper: { x, y in 240 - 80 * Double(x) / 99 - 60 * Double(y) / 79 }, noise: noise),
            // A lamp above the sheet.
            Sheet(
                paper: { x, y in 250 - 0.04 * (pow(Double(x) - 30, 2) + pow(Double(y) - 20, 2)) * 0.5 }, noise: noise),
        ]
        for (index, sheet) in sheets.enumerated() {
            let (share, others) = found(sheet.image)
            #expect(share > 0.97 && others < 12, "sheet \(index): \(share), \(others)")
        }
    }

    @Test("a shadow with a sharp edge is no ink", arguments: [0.0, 4])
    func shadow(noise: Double) {
        let sheet = Sheet(paper: { x, _ in x < 46 ? 150 : 235 }, noise: noise)
        let (share, others) = found(sheet.image)
        #expect(share > 0.9 && others < 40, "\(share), \(others)")
    }

    @Test("a sheet without contrast is empty", arguments: [0.0, 3, 10])
    func empty(noise: Double) {
        for paper in [225.0, 128, 40] {
            let image = Sheet(paper: { x, y in paper + Double(x + y) / 20 }, noise: noise).image { _, _ in false }
            #expect(!image.hasInk, "paper \(paper), noise \(noise)")
            #expect(DigitRow.lines(of: image).isEmpty)
        }
    }

    @Test("the dark edge of a scanner's glass is removed, and a digit in a tight crop is not")
    func edges() throws {
        let sheet = Sheet(paper: { x, y in x < 4 || y >= 77 ? 20 : 245 })
        #expect(found(sheet.image) == (1, 0))
        // A 1 that fills the crop, beside another that is as high.
        let crop = Sheet().image { x, _ in x < 8 || (60..<68).contains(x) }
        #expect(crop[3, 40] == 1 && crop[63, 40] == 1)
    }

    @Test("a sample of a data set has the shades that it had")
    func exact() {
        var random = SplitMix64(seed: 8)
        var brightness = [UInt8](repeating: 0, count: 784)
        for y in 4..<24 { for x in 10..<18 { brightness[y * 28 + x] = UInt8.random(in: 1...255, using: &random) } }
        brightness[300] = 255
        let image = GrayImage(width: 28, height: 28, brightness: brightness)
        #expect(image.ink == brightness.map { Float($0) / 255 })
    }
}

@Suite("Transparent pictures")
struct TransparencyTests {
    private func load(_ base64: String) throws -> GrayImage {
        let folder = try TemporaryFolder()
        let bytes = [UInt8](Data(base64Encoded: base64) ?? Data())
        return try #require(try GrayImage.load(try folder.write(bytes, to: "picture.png")).first)
    }

    @Test("white ink on nothing is ink")
    func white() throws {
        let image = try load(
            "iVBORw0KGgoAAAANSUhEUgAAAGQAAABkCAYAAABw4pVUAAAAxElEQVR4nO3RMQ7AIBAEMcj//0zqSHQpGCS7vGpPMwYAAAAAAAAAsDNPD/hrrb"
                + "V29znnlb89pwfwJUiMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgS"
                + "I0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIDGCxAgSI0iMIAAAAAAAAADAFV6IuQR46osetAAAAABJRU"
                + "5ErkJggg==")
        let box = try #require(image.boundingBox(threshold: 0.5))
        #expect(box.columns == 48..<54 && box.rows == 20..<80)
    }

    @Test("black ink on nothing is ink")
    func black() throws {
        let image = try load(
            "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAQAAACmLXceAAAAJUlEQVR4nGNgGHSAEc76j8bHAZhItWFEakAPVlyy5NtAsoZBCACvCgITJU3WSgAAAABJRU5E"
                + "rkJggg==")
        let box = try #require(image.boundingBox(threshold: 0.5))
        #expect(box.columns == 4..<14 && box.rows == 3..<13)
    }

    @Test("a picture with a transparent margin has its own paper")
    func margin() throws {
        let image = try load(
            "iVBORw0KGgoAAAANSUhEUgAAACAAAAAYCAQAAAAxWje/AAAARElEQVR4nGNgGAWMMMaz/6RplILqZKLUBRQbwIIuoMfAwMDAcIl+Lhg1gBbRCAF6KDx8"
                + "kToIvUB8GqSSCyg2YBQwMAAAkroE+OevRjYAAAAASUVORK5CYII=")
        let box = try #require(image.boundingBox(threshold: 0.5))
        #expect(box.columns == 8..<18 && box.rows == 7..<17)
    }

    @Test("a PNG with an orientation is turned")
    func orientation() throws {
        let image = try load(
            "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAAAAAApT+BJAAAALGVYSWZNTQAqAAAACAACAQ8AAgAAAAYAAAAmARIAAwAAAAEABgAAAAAAAG1ha2VyAJAK3cAA"
                + "AAAuSURBVHicY3zGgB0w4RDHLcHCwMDAoMfAcIlyo+ghwQKl9SAUwtWkG8VIvUAEAIzqA++t9HCqAAAAAElFTkSuQmCC")
        #expect(image.width == 16 && image.height == 24)
        let box = try #require(image.boundingBox(threshold: 0.5))
        #expect(box.columns == 3..<13 && box.rows == 4..<14)
    }
}

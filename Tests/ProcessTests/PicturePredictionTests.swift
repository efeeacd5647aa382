import Foundation
import LockstepArtifacts
import LockstepNetwork
import LockstepTesting
import Testing

/// Pictures as people have them, given to the command.
@Suite("Digits read from picture files", .serialized, .oneAtATime)
struct PicturePredictionTests {
    private let folder: TemporaryFolder

    /// Writes a network that answers 3 to everything, with an output of 0.75.
    init() throws {
        folder = try TemporaryFolder()
        var biases = [Float](repeating: -20, count: 10)
        biases[3] = 1.0986123
        try ([Float](repeating: 0, count: 784 * 10) + biases).withUnsafeBufferPointer {
            try ModelFile.save(
                to: folder("three.safetensors"), architecture: Architecture(sizes: [784, 10]), cost: .quadratic,
                parameters: $0, metadata: ModelMetadata(inputScale: nil, labels: []))
        }
    }

    /// Writes a greymap of 60 x 80: grey paper, with bars of dark ink in these rows.
    private func writeSheet(_ name: String, bars: [Range<Int>], paper: UInt8 = 200) throws {
        var pixels = [UInt8](repeating: paper, count: 60 * 80)
        for rows in bars {
            for y in rows { for x in [10, 11, 12, 30, 31, 32] { pixels[y * 60 + x] = 30 } }
        }
        try folder.write(Array("P5 60 80 255\n".utf8) + pixels, to: name)
    }

    private func predict(_ arguments: String...) throws -> FinishedProcess {
        try Program.run(["predict", "three.safetensors"] + arguments, in: folder.path)
    }

    @Test("two lines are printed as two, and a sheet without contrast holds no digit")
    func lines() throws {
        try writeSheet("one.pgm", bars: [20..<50])
        try writeSheet("two.pgm", bars: [5..<30, 45..<70])
        try writeSheet("empty.pgm", bars: [], paper: 225)
        #expect(try predict("one.pgm").output == "one.pgm: 33   0.750\n")
        #expect(try predict("two.pgm").output == "two.pgm:1: 33   0.750\ntwo.pgm:2: 33   0.750\n")
        for arguments in [["empty.pgm"], ["empty.pgm", "--single"]] {
            let empty = try Program.run(["predict", "three.safetensors"] + arguments, in: folder.path)
            #expect(empty.status == 0 && empty.output == "", "\(empty)")
            #expect(empty.errors.contains("empty.pgm: no digit found"), "\(empty)")
        }
    }

    @Test("a file that cannot be read is reported, and the others are read")
    func batch() throws {
        try writeSheet("one.pgm", bars: [20..<50])
        try folder.write([0xFF, 0xD8, 0xFF, 0xE0, 0, 1], to: "damaged.jpg")
        let mixed = try predict("one.pgm", "damaged.jpg", "none.png", "one.pgm")
        #expect(mixed.output == "one.pgm: 33   0.750\none.pgm: 33   0.750\n", "\(mixed)")
        #expect(mixed.status == 65 && mixed.errorLines.count == 3, "\(mixed)")
        #expect(mixed.errors.contains("damaged.jpg: damaged image: "))
        #expect(mixed.errors.contains("none.png: no such file; check the path"))
        #expect(mixed.errors.contains("2 of 4 files could not be read; all others were"))
        let missing = try predict("one.pgm", "none.png")
        #expect(missing.status == 66 && missing.output == "one.pgm: 33   0.750\n", "\(missing)")
        #expect(missing.errors.contains("1 of 2 files could not be read"))
        let none = try predict("none.png", "damaged.jpg")
        #expect(none.status == 65 && none.output.isEmpty && none.errors.contains("none of the 2 files could be read"))
    }
}

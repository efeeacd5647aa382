import CPNG
import Foundation
import LockstepTesting
import Testing

@testable import LockstepData

@Suite("Folders of pictures")
struct PictureFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func load(_ source: DataSource) throws -> Dataset { try source.load(cache: DataCache()) }

    /// A PNG of one colour.
    private func png(_ colour: [UInt8], width: Int = 3, height: Int = 2) throws -> [UInt8] {
        var picture = png_image()
        picture.version = UInt32(PNG_IMAGE_VERSION)
        (picture.width, picture.height) = (UInt32(width), UInt32(height))
        picture.format = colour.count == 3 ? UInt32(PNG_FORMAT_FLAG_COLOR) : 0
        let pixels = (0..<width * height).flatMap { _ in colour }
        var size = 4_096
        var bytes = [UInt8](repeating: 0, count: size)
        try #require(png_image_write_to_memory(&picture, &bytes, &size, 0, pixels, 0, nil) != 0)
        return Array(bytes[..<size])
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        let full = folder(path)
        try FileManager.default.createDirectory(
            atPath: (full as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: full))
    }

    private func values(_ dataset: Dataset, _ sample: Int) -> [Float] {
        var values = [Float](repeating: 0, count: dataset.description.inputSize)
        values.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { dataset.gather(sample..<sample + 1, into: base) }
        }
        return values
    }

    @Test("folders of classes are divided with each class in its share, and the classes have the folders' names")
    func classes() throws {
        for index in 0..<12 {
            try write(try png([UInt8(10 + index)]), "pictures/dark/\(index).png")
            try write(try png([UInt8(200 + index)]), "pictures/bright/\(index).PNG")
        }
        try write(Array("note".utf8), "pictures/dark/readme.txt")
        let dataset = try load(DataSource(path: folder("pictures")))
        let description = dataset.description
        #expect(
            [description.trainingCount, description.validationCount, description.testCount] as [Int] == [16, 4, 4])
        #expect(description.classNames == ["bright", "dark"] && description.inputSize == 6)
        #expect(description.pictures == PicturePreparation(rows: 2, columns: 3, channels: 1))
        for sample in 0..<24 {
            #expect((values(dataset, sample)[0] > 0.5) == (dataset.label(of: sample) == 0))
        }
        for split in Split.allCases {
            let labels = dataset.indices(of: split).map { dataset.label(of: $0) }
            #expect(labels.count { $0 == 0 } * 2 == labels.count)
        }
        #expect(description.notices.contains { $0.contains("left out: 1") })
        #expect(try load(DataSource(path: folder("pictures"))).description.sha256 == description.sha256)
        let other = try load(.pictures(PictureFolder(path: folder("pictures"), seed: 2)))
        #expect(other.description.sha256 != description.sha256)
    }

    @Test("folders train and test are the splits, and colours are three channels, rows after rows")
    func splits() throws {
        for (part, count) in [("train", 6), ("test", 2)] {
            for index in 0..<count {
                try write(try png([250, UInt8(index), 3]), "p/\(part)/a/\(index).png")
                try write(try png([4, UInt8(index), 250]), "p/\(part)/b/\(index).png")
            }
        }
        let dataset = try load(DataSource(path: folder("p")))
        let description = dataset.description
        #expect(
            [description.trainingCount, description.validationCount, description.testCount] as [Int] == [10, 2, 4])
        #expect(description.pictures == PicturePreparation(rows: 2, columns: 3, channels: 3))
        let first = values(dataset, 12)
        #expect(first[0..<6].allSatisfy { $0 == 250 * (1 / 255) as Float } && dataset.label(of: 12) == 0)
        #expect(first[12..<18].allSatisfy { $0 == 3 * (1 / 255) as Float })
    }

    @Test("a size scales pictures by the means of their pixels, and channels make them grey")
    func scaling() throws {
        // Four columns: 0, 100, 200, 40.
        let picture = ColourPicture(width: 4, height: 1, channels: 1, pixels: [0, 100, 200, 40])
        #expect(PicturePreparation(rows: 1, columns: 2, channels: 1).sample(of: picture) == [50, 120])
        #expect(PicturePreparation(rows: 1, columns: 3, channels: 1).sample(of: picture) == [25, 150, 80])
        #expect(
            PicturePreparation(rows: 2, columns: 4, channels: 3).sample(of: picture)
                == (0..<6).flatMap { _ in [0, 100, 200, 40] as [UInt8] })
        let colour = ColourPicture(width: 1, height: 1, channels: 3, pixels: [100, 200, 50])
        #expect(PicturePreparation(rows: 1, columns: 1, channels: 1).sample(of: colour) == [153])
        try write(try png([9]), "q/a/0.png")
        for index in 0..<5 { try write(try png([9], width: 4 + index, height: 8), "q/b/\(index).png") }
        for index in 0..<5 { try write(try png([9]), "q/a/\(index).png") }
        let dataset = try load(DataSource(path: folder("q")))
        #expect(dataset.description.inputSize == 32 * 32)
        #expect(dataset.description.notices.contains { $0.contains("data.size") })
    }

    @Test("a folder that is no folder of classes is refused with words")
    func refusals() throws {
        func refusal(_ path: String) -> String {
            let error = #expect(throws: DataError.self) { try load(DataSource(path: folder(path))) }
            return error.map { "\($0)" } ?? ""
        }
        try write(try png([1]), "flat/1.png")
        #expect(refusal("flat").contains("no folders of classes"))
        try write(try png([1]), "one/a/1.png")
        #expect(refusal("one").contains("at least two classes"))
        try write([1, 2, 3], "bad/a/1.png")
        try write(try png([1]), "bad/b/1.png")
        #expect(refusal("bad").contains("bad/a/1.png"))
        try write(try png([1]), "odd/train/a/1.png")
        try write(try png([1]), "odd/train/b/1.png")
        try write(try png([1]), "odd/test/c/1.png")
        #expect(refusal("odd").contains("a class 'c'"))
        #expect(refusal("none").contains("none"))
    }

    @Test(
        "IDX files are found under the names that publishers give them",
        arguments: [
            ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
            ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
            [
                "emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz",
                "emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters-test-labels-idx1-ubyte.gz",
            ],
        ])
    func idx(names: [String]) throws {
        for name in names + [names[0].replacingOccurrences(of: ".gz", with: "") + ".gz"] {
            try write([0], "idx/\(name)")
        }
        let files = try #require(try IDXFolder(folder("idx")).files)
        #expect([files.images, files.labels, files.testImages, files.testLabels] == names.map { folder("idx/\($0)") })
        try FileManager.default.removeItem(atPath: folder("idx/\(names[3])"))
        let error = #expect(throws: DataError.self) { try IDXFolder(folder("idx")) }
        #expect(error.map { "\($0)".contains("none of the test labels") } == true)
    }
}

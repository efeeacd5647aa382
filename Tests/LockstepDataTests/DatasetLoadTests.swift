import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("A data set from files")
struct DatasetLoadTests {
    @Test("keeps the last training samples for validation and the order of all others")
    func splits() throws {
        let dataset = try IDXFixture.small.load()
        #expect(dataset.description.name == "train-images")
        #expect(dataset.description.inputSize == 6)
        #expect(dataset.description.classCount == 3)
        #expect(dataset.description.element == .uint8)
        #expect(dataset.indices(of: .training) == 0..<5)
        #expect(dataset.indices(of: .validation) == 5..<6)
        #expect(dataset.indices(of: .test) == 6..<8)
        #expect((0..<8).map(dataset.label(of:)) == [2, 0, 1, 1, 0, 2, 1, 2])
        #expect(Array(dataset.bytes.prefix(36)) == Array(IDXFixture.small.images.dropFirst(16)))
        #expect(Array(dataset.bytes[36..<48]) == Array(IDXFixture.small.testImages.dropFirst(16)))
        #expect(dataset.bytes[48..<64].allSatisfy { $0 == 0 })
        #expect(Array(dataset.bytes[64...]) == [2, 0, 0, 0, 1, 0, 1, 0, 0, 0, 2, 0, 1, 0, 2, 0])
        try dataset.verifyDigest()
    }

    @Test("is the same from gzipped files")
    func gzipped() throws {
        let plain = IDXFixture.small
        let packed = IDXFixture(
            images: gzip(plain.images), labels: gzip(plain.labels), testImages: gzip(plain.testImages),
            testLabels: plain.testLabels)
        #expect(try packed.load().description == plain.load().description)
    }

    @Test("accepts any validation count that leaves a training sample", arguments: 0...5)
    func validation(count: Int) throws {
        let description = try IDXFixture.small.load(validation: count).description
        #expect(description.trainingCount == 6 - count)
        #expect(description.validationCount == count)
        #expect(description.testCount == 2)
    }

    @Test("sets aside a sixth of the training samples, rounded down", arguments: [1: 0, 5: 0, 6: 1, 11: 1, 12: 2])
    func defaultValidation(count: Int, validation: Int) throws {
        var fixture = IDXFixture.small
        let pixels = [UInt8](repeating: 9, count: 6 * count)
        fixture.images = IDXFixture.imagesFile(count: UInt32(count), rows: 2, columns: 3, pixels: pixels)
        fixture.labels = IDXFixture.labelsFile([UInt8](repeating: 1, count: count))
        #expect(try fixture.load().description.validationCount == validation)
    }

    @Test("refuses any other validation count", arguments: [-1, 6, 7, Int.max, Int.min])
    func invalidValidation(count: Int) throws {
        let error = try dataError { try IDXFixture.small.load(validation: count) }
        #expect(error?.reason == .invalidValidationCount(validation: count, samples: 6))
        #expect(error?.description.hasSuffix("cannot be set aside for validation; choose 0 to 5") == true)
    }

    @Test("can be trained on its first samples only; the other splits, the bytes and the digest stay", arguments: 1...4)
    func firstSamples(count: Int) throws {
        let folder = try TemporaryFolder()
        var source = DataSource.files(try IDXFixture.small.write(to: folder, validation: 2))
        let whole = try source.load(cache: DataCache(directory: folder.path))
        source.training = count
        let part = try source.load(cache: DataCache(directory: folder.path))
        var expected = whole.description
        (expected.trainingCount, expected.unusedCount) = (count, 4 - count)
        #expect(part.description == expected)
        #expect(part.indices(of: .training) == 0..<count)
        #expect(part.indices(of: .validation) == 4..<6 && part.indices(of: .test) == 6..<8)
        #expect(part.layout == whole.layout)
        try part.verifyDigest()
        let again = try JSONDecoder().decode(DataSource.self, from: JSONEncoder().encode(source))
        #expect(again == source && again.hashValue == source.hashValue && again.training == count)
    }

    @Test("refuses to train on no sample or on more than there are", arguments: [0, -1, 5, Int.max, Int.min])
    func wrongFirstSamples(count: Int) throws {
        let folder = try TemporaryFolder()
        var source = DataSource.files(try IDXFixture.small.write(to: folder, validation: 2))
        source.training = count
        let error = try dataError { try source.load(cache: DataCache(directory: folder.path)) }
        #expect(error?.reason == .invalidTrainingCount(training: count, samples: 4))
        #expect(
            error?.description
                == "data set train-images: it has 4 training samples, of which \(count) cannot be used; "
                + "set data.training to 1 to 4")
    }

    @Test("has at least two classes")
    func classes() throws {
        var fixture = IDXFixture.small
        fixture.labels = IDXFixture.labelsFile([0, 0, 0, 0, 0, 0])
        fixture.testLabels = IDXFixture.labelsFile([0, 0])
        #expect(try fixture.load().description.classCount == 2)
        fixture.testLabels = IDXFixture.labelsFile([0, 255])
        #expect(try fixture.load().description.classCount == 256)
    }

    @Test("needs as many labels as images")
    func counts() throws {
        var fixture = IDXFixture.small
        fixture.labels = IDXFixture.labelsFile([2, 0, 1, 1, 0])
        let error = try #require(try dataError { try fixture.load() })
        guard case .countMismatch(images: 6, labels: 5, let labelsFile) = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(labelsFile.hasSuffix("/train-labels"))
        #expect(error.subject.hasSuffix("/train-images"))
    }

    @Test("needs test images of the training images' size")
    func imageSizes() throws {
        var fixture = IDXFixture.small
        fixture.testImages = IDXFixture.imagesFile(count: 2, rows: 2, columns: 2, pixels: [1, 2, 3, 4, 5, 6, 7, 8])
        let error = try dataError { try fixture.load() }
        #expect(error?.reason == .imageSizeMismatch(training: 6, test: 4))
    }

    @Test("names the files in its errors", arguments: ["train-images", "train-labels", "test-images", "test-labels"])
    func missing(name: String) throws {
        let folder = try TemporaryFolder()
        var files = try IDXFixture.small.write(to: folder)
        let path = folder.path + "/absent"
        switch name {
        case "train-images": files.images = path
        case "train-labels": files.labels = path
        case "test-images": files.testImages = path
        default: files.testLabels = path
        }
        let error = try dataError { try DataSource.files(files).load(cache: DataCache(directory: folder.path)) }
        #expect(error == DataError(.missingFile, subject: path))
        #expect(error?.description == "\(path): no such file; check the path")
    }

    @Test("is valid or refused for every bit flip in the headers", arguments: 0..<16)
    func headerBitFlips(byte: Int) throws {
        for bit in 0..<8 {
            var damaged = IDXFixture.small
            damaged.images[byte] ^= 1 << bit
            let error = try dataError { try damaged.load() }
            #expect(error != nil, "images, byte \(byte), bit \(bit)")
            damaged.images = gzip(damaged.images)
            _ = try dataError { try damaged.load() }
            guard byte < 8 else { continue }
            damaged = IDXFixture.small
            damaged.labels[byte] ^= 1 << bit
            let labelError = try dataError { try damaged.load() }
            #expect(labelError != nil, "labels, byte \(byte), bit \(bit)")
        }
    }

    @Test("is refused for every truncation of any of its files", arguments: 0..<4)
    func truncations(file: Int) throws {
        let keyPaths: [WritableKeyPath<IDXFixture, [UInt8]>] = [\.images, \.labels, \.testImages, \.testLabels]
        let keyPath = keyPaths[file]
        for length in 0..<IDXFixture.small[keyPath: keyPath].count {
            var damaged = IDXFixture.small
            damaged[keyPath: keyPath].removeSubrange(length...)
            let error = try #require(try dataError { try damaged.load() }, "length \(length)")
            guard case .truncated(_, found: length) = error.reason else {
                Issue.record("length \(length): \(error)")
                continue
            }
        }
    }
}

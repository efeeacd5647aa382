import LockstepData
import Testing

/// Whether all of MNIST's files are in the cache.
private let isCached = (try? DataCache().verify("mnist").isComplete) ?? false

@Suite("MNIST", .enabled(if: isCached, "MNIST is not in the cache: run scripts/fetch-data"))
struct MNISTTests {
    @Test("has 50,000, 10,000 and 10,000 samples in the files' order")
    func dataset() throws {
        let dataset = try DataSource.named("mnist").load(cache: DataCache())
        var expected = DatasetDescription(
            name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000,
            validationCount: 10_000, testCount: 10_000, sha256: KnownDataset.mnist.sha256)
        #expect(dataset.description == expected)
        let all = try DataSource.named("mnist-60000").load(cache: DataCache())
        (expected.name, expected.trainingCount, expected.validationCount) = ("mnist-60000", 60_000, 0)
        #expect(all.description == expected)
        #expect(all.indices(of: .training) == 0..<60_000 && all.indices(of: .validation).isEmpty)
        #expect(all.indices(of: .test) == dataset.indices(of: .test))
        // The features are 70,000 x 784 bytes, a multiple of 64; the labels are 70,000 x 2 bytes.
        #expect(dataset.bytes.count == 70_000 * 786)
        #expect((0..<5).map(dataset.label(of:)) == [5, 0, 4, 1, 9])
        #expect((50_000..<50_005).map(dataset.label(of:)) == [3, 8, 6, 9, 6])
        #expect((60_000..<60_005).map(dataset.label(of:)) == [7, 2, 1, 0, 4])
        var pixels = [Float](repeating: 0, count: 784)
        pixels.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { dataset.gather(0..<1, into: base) }
        }
        // The top of the first digit: row 5, columns 12 to 15 hold the bytes 3, 18, 18, 18.
        let scale: Float = 1 / 255
        #expect(pixels[152..<156].elementsEqual([3 * scale, 18 * scale, 18 * scale, 18 * scale]))
    }
}

@Suite(
    "Fashion-MNIST",
    .enabled(
        if: (try? DataCache().verify("fashion-mnist").isComplete) ?? false,
        "Fashion-MNIST is not in the cache: run scripts/fetch-data fashion-mnist"))
struct FashionMNISTTests {
    @Test("has 50,000, 10,000 and 10,000 samples in the files' order, and names its classes")
    func dataset() throws {
        let dataset = try DataSource.named("fashion-mnist").load(cache: DataCache())
        let expected = DatasetDescription(
            name: "fashion-mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000,
            validationCount: 10_000, testCount: 10_000, sha256: KnownDataset.fashionMNIST.sha256)
        #expect(dataset.description == expected)
        #expect((0..<5).map(dataset.label(of:)) == [9, 0, 0, 3, 0])
        #expect((50_000..<50_005).map(dataset.label(of:)) == [9, 2, 1, 0, 2])
        #expect((60_000..<60_005).map(dataset.label(of:)) == [9, 2, 1, 1, 6])
        // The first ten samples show an ankle boot, T-shirts, a dress ...
        #expect(dataset.description.classNames[9] == "Ankle boot" && dataset.description.classNames[3] == "Dress")
    }
}

@Suite("Names of classes")
struct ClassNamesTests {
    @Test("are known for a known data set with its digest, and numbers otherwise")
    func names() {
        var description = DatasetDescription(
            name: "fashion-mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 1,
            validationCount: 0, testCount: 0, sha256: KnownDataset.fashionMNIST.sha256)
        let names = description.classNames
        #expect(names.count == 10 && Set(names).count == 10 && names[0] == "T-shirt/top" && names[7] == "Sneaker")
        // Model files separate them by commas.
        #expect(names.allSatisfy { !$0.contains(",") })
        description.sha256 = String(repeating: "0", count: 64)
        #expect(description.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    }
}

import LockstepData
import Testing

/// Whether all of MNIST's files are in the cache.
private let isCached = (try? DataCache().verify("mnist").isComplete) ?? false

@Suite("MNIST", .enabled(if: isCached, "MNIST is not in the cache: run scripts/fetch-data"))
struct MNISTTests {
    @Test("has 50,000, 10,000 and 10,000 samples in the files' order")
    func dataset() throws {
        let dataset = try DataSource.named("mnist").load(cache: DataCache())
        let expected = DatasetDescription(
            name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000,
            validationCount: 10_000, testCount: 10_000, sha256: KnownDataset.mnist.sha256)
        #expect(dataset.description == expected)
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

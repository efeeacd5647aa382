import LockstepData
import LockstepTesting
import Testing

@Suite("Gathering samples")
struct GatherTests {
    @Test("scales every byte by the one documented formula, 0 to 0 and 255 to 1")
    func formula() throws {
        let dataset = try Dataset.make(
            name: "bytes", inputSize: 256, features: (0...255).map { UInt8($0) }, labels: [0])
        var values = [Float](repeating: -1, count: 256)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            dataset.gather(0..<1, into: base)
        }
        let scale: Float = 1 / 255
        #expect(values == (0...255).map { Float($0) * scale })
        #expect(values[0] == 0)
        #expect(values[255] == 1)
        for byte in 1...255 {
            #expect(values[byte] > values[byte - 1])
        }
    }

    @Test(
        "gives the same rows by numbers and by range, for both element types",
        arguments: 1...25 as ClosedRange<UInt64>)
    func rows(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let inputSize = Int.random(in: 1...70, using: &random)
        let count = Int.random(in: 1...40, using: &random)
        let bytes = (0..<count * inputSize).map { _ in UInt8.random(in: 0...255, using: &random) }
        let labels = (0..<count).map { _ in UInt16.random(in: 0...9, using: &random) }
        let scale: Float = 1 / 255
        let floats = bytes.map { Float($0) * scale }
        let samples = (0..<Int.random(in: 0...60, using: &random)).map { _ in
            UInt32.random(in: 0..<UInt32(count), using: &random)
        }
        let lower = Int.random(in: 0...count, using: &random)
        let range = lower..<Int.random(in: lower...count, using: &random)
        for dataset in [
            try Dataset.make(name: "bytes", inputSize: inputSize, features: bytes, labels: labels),
            try Dataset.make(name: "floats", inputSize: inputSize, features: floats, labels: labels),
        ] {
            let byNumber = gather(samples, of: dataset)
            #expect(
                byNumber.features
                    == samples.flatMap { floats[Int($0) * inputSize..<(Int($0) + 1) * inputSize] },
                "seed \(seed), \(dataset.description.name)")
            #expect(byNumber.labels == samples.map { labels[Int($0)] }, "seed \(seed)")
            let byRange = gather(range, of: dataset)
            #expect(
                byRange.features == Array(floats[range.lowerBound * inputSize..<range.upperBound * inputSize]),
                "seed \(seed), \(dataset.description.name)")
            #expect(byRange.labels == Array(labels[range]), "seed \(seed)")
        }
    }

    /// Gathers into a buffer that is one value longer than needed; the last value must not change.
    private func gather(_ samples: [UInt32], of dataset: Dataset) -> (features: [Float], labels: [UInt16]) {
        samples.withUnsafeBufferPointer { samples in
            gather(count: samples.count, of: dataset) { features, labels in
                dataset.gather(samples, into: features)
                dataset.gatherLabels(samples, into: labels)
            }
        }
    }

    private func gather(_ samples: Range<Int>, of dataset: Dataset) -> (features: [Float], labels: [UInt16]) {
        gather(count: samples.count, of: dataset) { features, labels in
            dataset.gather(samples, into: features)
            dataset.gatherLabels(samples, into: labels)
        }
    }

    private func gather(
        count: Int, of dataset: Dataset, body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<UInt16>) -> Void
    ) -> (features: [Float], labels: [UInt16]) {
        var features = [Float](repeating: -7, count: count * dataset.description.inputSize + 1)
        var labels = [UInt16](repeating: 777, count: count + 1)
        features.withUnsafeMutableBufferPointer { features in
            labels.withUnsafeMutableBufferPointer { labels in
                if let features = features.baseAddress, let labels = labels.baseAddress { body(features, labels) }
            }
        }
        #expect(features.popLast() == -7)
        #expect(labels.popLast() == 777)
        return (features, labels)
    }
}

// The hot loops: called for every block of every shard. They allocate nothing.
//
// A stored byte b becomes Float(b) * (1/255 as Float): one rounding of the constant, one of the product. 0 gives 0
// and 255 gives 1 exactly.
extension Dataset {
    /// Writes the features of the samples with the given numbers: [samples.count, inputSize], row-major.
    package func gather(_ samples: UnsafeBufferPointer<UInt32>, into destination: UnsafeMutablePointer<Float>) {
        let inputSize = description.inputSize
        var row = destination
        switch description.element {
        case .uint8:
            let source = features.assumingMemoryBound(to: UInt8.self)
            for sample in samples {
                scaleBytes(source + offset(of: sample), into: row, count: inputSize)
                row += inputSize
            }
        case .float32:
            let source = features.assumingMemoryBound(to: Float.self)
            for sample in samples {
                row.update(from: source + offset(of: sample), count: inputSize)
                row += inputSize
            }
        }
    }

    /// Writes the features of consecutive samples: [samples.count, inputSize], row-major.
    package func gather(_ samples: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(samples.lowerBound >= 0 && samples.upperBound <= layout.sampleCount)
        let first = samples.lowerBound * description.inputSize
        let count = samples.count * description.inputSize
        switch description.element {
        case .uint8:
            scaleBytes(features.assumingMemoryBound(to: UInt8.self) + first, into: destination, count: count)
        case .float32:
            destination.update(from: features.assumingMemoryBound(to: Float.self) + first, count: count)
        }
    }

    /// Writes the classes of the samples with the given numbers: [samples.count].
    package func gatherLabels(_ samples: UnsafeBufferPointer<UInt32>, into destination: UnsafeMutablePointer<UInt16>) {
        for (index, sample) in samples.enumerated() {
            precondition(Int(sample) < layout.sampleCount)
            destination[index] = labels[Int(sample)]
        }
    }

    /// Writes the classes of consecutive samples: [samples.count].
    package func gatherLabels(_ samples: Range<Int>, into destination: UnsafeMutablePointer<UInt16>) {
        precondition(samples.lowerBound >= 0 && samples.upperBound <= layout.sampleCount)
        destination.update(from: labels + samples.lowerBound, count: samples.count)
    }

    /// Where a sample's features start, in values.
    private func offset(of sample: UInt32) -> Int {
        precondition(Int(sample) < layout.sampleCount)
        return Int(sample) * description.inputSize
    }
}

/// Converts `count` bytes to float32 between 0 and 1. A plain loop, which the compiler vectorises.
private func scaleBytes(_ source: UnsafePointer<UInt8>, into destination: UnsafeMutablePointer<Float>, count: Int) {
    let scale: Float = 1 / 255
    for index in 0..<count {
        destination[index] = Float(source[index]) * scale
    }
}

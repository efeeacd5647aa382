import CProcessor
import LockstepNumerics

// The hot loops, called for every block of every shard. They allocate nothing.
//
// A stored byte b becomes Float(b) * (1/255 as Float): one rounding of the constant, one of the product. 0 gives 0
// and 255 gives 1 exactly.
extension Dataset {
    /// Copies the features of these samples, given by index: [samples.count, inputSize], row-major.
    package func gather(_ samples: UnsafeBufferPointer<UInt32>, into destination: UnsafeMutablePointer<Float>) {
        let inputSize = description.inputSize
        // Shuffled rows may lie anywhere in memory; prefetched two rows ahead, they arrive in time.
        let ahead = 2
        for sample in samples.prefix(ahead) { prefetch(row(sample)) }
        for (index, sample) in samples.enumerated() {
            if index + ahead < samples.count { prefetch(row(samples[index + ahead])) }
            convert(row(sample), into: destination + index * inputSize, count: inputSize)
        }
    }

    /// Copies the features of consecutive samples: [samples.count, inputSize], row-major.
    package func gather(_ samples: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(samples.lowerBound >= 0 && samples.upperBound <= layout.sampleCount)
        let rows = features + samples.lowerBound * rowByteCount
        convert(rows, into: destination, count: samples.count * description.inputSize)
    }

    /// Prefetches the features of samples that will be gathered soon.
    package func prefetch(_ samples: UnsafeBufferPointer<UInt32>) {
        for sample in samples { prefetch(row(sample)) }
    }

    /// The factor of stored bytes; nil if features are stored as floats.
    package var byteScale: Float? { description.element == .uint8 ? 1 / 255 : nil }

    /// Writes the address of each of these samples' bytes, [samples.count]; only where features are bytes.
    package func locate(
        _ samples: UnsafeBufferPointer<UInt32>, in rows: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    ) {
        precondition(description.element == .uint8)
        for (index, sample) in samples.enumerated() {
            rows[index] = row(sample).assumingMemoryBound(to: UInt8.self)
        }
    }

    /// Writes the address of each of these consecutive samples' bytes, [samples.count]; only where features are bytes.
    package func locate(_ samples: Range<Int>, in rows: UnsafeMutablePointer<UnsafePointer<UInt8>?>) {
        precondition(description.element == .uint8)
        for (index, sample) in samples.enumerated() {
            rows[index] = row(UInt32(truncatingIfNeeded: sample)).assumingMemoryBound(to: UInt8.self)
        }
    }

    /// Copies the labels of these samples, given by index: [samples.count].
    package func gatherLabels(_ samples: UnsafeBufferPointer<UInt32>, into destination: UnsafeMutablePointer<UInt16>) {
        for (index, sample) in samples.enumerated() {
            precondition(Int(sample) < layout.sampleCount)
            destination[index] = labels[Int(sample)]
        }
    }

    /// Copies the targets of these samples, given by index, if they have any: [samples.count].
    package func gatherTargets(_ samples: UnsafeBufferPointer<UInt32>, into destination: UnsafeMutablePointer<Float>) {
        guard let targets else { return }
        for (index, sample) in samples.enumerated() {
            precondition(Int(sample) < layout.sampleCount)
            destination[index] = targets[Int(sample)]
        }
    }

    /// Copies the targets of consecutive samples, if they have any: [samples.count].
    package func gatherTargets(_ samples: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(samples.lowerBound >= 0 && samples.upperBound <= layout.sampleCount)
        if let targets { destination.update(from: targets + samples.lowerBound, count: samples.count) }
    }

    /// Copies the labels of consecutive samples: [samples.count].
    package func gatherLabels(_ samples: Range<Int>, into destination: UnsafeMutablePointer<UInt16>) {
        precondition(samples.lowerBound >= 0 && samples.upperBound <= layout.sampleCount)
        destination.update(from: labels + samples.lowerBound, count: samples.count)
    }

    /// The size of a sample's features in bytes.
    private var rowByteCount: Int { description.inputSize * description.element.byteCount }

    private func row(_ sample: UInt32) -> UnsafeRawPointer {
        precondition(Int(sample) < layout.sampleCount)
        return features + Int(sample) * rowByteCount
    }

    /// Prefetches a row's first cache lines; the processor prefetches the rest of a longer row by itself.
    private func prefetch(_ row: UnsafeRawPointer) {
        for offset in stride(from: 0, to: min(rowByteCount, 1024), by: 64) {
            lockstep_prefetch(row + offset)
        }
    }

    private func convert(_ values: UnsafeRawPointer, into destination: UnsafeMutablePointer<Float>, count: Int) {
        switch description.element {
        case .uint8:
            scaleBytes(values.assumingMemoryBound(to: UInt8.self), by: 1 / 255, into: destination, count: count)
        case .float32: destination.update(from: values.assumingMemoryBound(to: Float.self), count: count)
        }
    }
}

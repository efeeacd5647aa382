import LockstepNumerics

/// Tells digits apart by how much ink they take: each class has the average darkness of its training samples, and a
/// picture gets the class whose average is nearest to its own darkness.
///
/// M. Nielsen, "Neural Networks and Deep Learning", chapter 1: 2,225 of the 10,000 test images of MNIST.
package struct AverageDarkness {
    /// Mean darkness of a class's training samples; nil for a class without any.
    package let averages: [Double?]

    /// Learns the averages of the training split.
    package init(training dataset: Dataset) {
        let classes = dataset.description.classCount
        var sums = [Double](repeating: 0, count: classes)
        var counts = [Int](repeating: 0, count: classes)
        for (sample, darkness) in darkness(of: dataset.indices(of: .training), in: dataset) {
            sums[dataset.label(of: sample)] += darkness
            counts[dataset.label(of: sample)] += 1
        }
        averages = zip(sums, counts).map { $1 == 0 ? nil : $0 / Double($1) }
    }

    /// The class with the nearest average, the lowest on a tie.
    package func guess(_ darkness: Double) -> Int {
        var best: (label: Int, distance: Double)?
        for (label, average) in averages.enumerated() {
            guard let average else { continue }
            let distance = abs(average - darkness)
            if best.map({ distance < $0.distance }) ?? true { best = (label, distance) }
        }
        return best?.label ?? 0
    }

    /// How many of these samples are guessed correctly.
    package func correct(_ samples: Range<Int>, of dataset: Dataset) -> Int {
        darkness(of: samples, in: dataset).count { guess($0.1) == dataset.label(of: $0.0) }
    }
}

/// Counts guesses that are right by chance: the guess for sample i is drawn at (baselineGuess, sample i).
package func randomGuesses(seed: UInt64, _ samples: Range<Int>, of dataset: Dataset) -> Int {
    let random = Philox(seed: seed)
    let classes = UInt64(dataset.description.classCount)
    return samples.count { sample in
        let word = UInt64(random.words(at: RandomPosition(.baselineGuess, sample: UInt32(sample)))[0])
        // A multiple of 2^-32 times the number of classes: off by less than a class in 2^16.
        return Int((word * classes) >> 32) == dataset.label(of: sample)
    }
}

/// The sum of each sample's values.
private func darkness(of samples: Range<Int>, in dataset: Dataset) -> [(Int, Double)] {
    var values = [Float](repeating: 0, count: dataset.description.inputSize)
    return samples.map { sample in
        values.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { dataset.gather(sample..<sample + 1, into: base) }
        }
        return (sample, values.reduce(0) { $0 + Double($1) })
    }
}

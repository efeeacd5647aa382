import LockstepNumerics

/// A baseline that classifies images by their darkness: each class has the mean darkness of its training samples, and an
/// image gets the class whose mean is nearest to its own darkness.
///
/// M. Nielsen, "Neural Networks and Deep Learning", chapter 1: 2,225 of the 10,000 test images of MNIST.
package struct AverageDarkness {
    /// The mean darkness of each class's training samples, [classes]; nil for a class without samples.
    package let averages: [Double?]

    /// Computes the means over the training split.
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

    /// The class with the nearest mean, the lowest class on a tie.
    package func guess(_ darkness: Double) -> Int {
        var best: (label: Int, distance: Double)?
        for (label, average) in averages.enumerated() {
            guard let average else { continue }
            let distance = abs(average - darkness)
            if best.map({ distance < $0.distance }) ?? true { best = (label, distance) }
        }
        return best?.label ?? 0
    }

    /// The number of these samples that are classified correctly.
    package func correct(_ samples: Range<Int>, of dataset: Dataset) -> Int {
        darkness(of: samples, in: dataset).count { guess($0.1) == dataset.label(of: $0.0) }
    }
}

/// Counts the random guesses that are right: the guess for sample i is drawn at (baselineGuess, sample i).
package func randomGuesses(seed: UInt64, _ samples: Range<Int>, of dataset: Dataset) -> Int {
    let random = Philox(seed: seed)
    let classes = UInt64(dataset.description.classCount)
    return samples.count { sample in
        let word = UInt64(random.words(at: RandomPosition(.baselineGuess, sample: UInt32(sample)))[0])
        // The high word of word x classes; the bias is at most classes / 2^32, below 2^-16.
        return Int((word * classes) >> 32) == dataset.label(of: sample)
    }
}

/// The index and the darkness (the sum of the values) of each sample.
private func darkness(of samples: Range<Int>, in dataset: Dataset) -> [(Int, Double)] {
    var values = [Float](repeating: 0, count: dataset.description.inputSize)
    return samples.map { sample in
        values.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { dataset.gather(sample..<sample + 1, into: base) }
        }
        return (sample, values.reduce(0) { $0 + Double($1) })
    }
}

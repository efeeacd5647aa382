import LockstepData

/// Labelled samples in three splits: for training, for validation (choosing among networks) and for the test.
///
/// A sample is a vector of ``inputSize`` numbers and a label from 0 to ``classCount`` - 1.
public struct Samples: Sendable {
    /// A part of the samples, by its use.
    public enum Split: Hashable, Sendable, CaseIterable {
        /// What gradients are computed from.
        case training
        /// What the best of several networks is chosen by.
        case validation
        /// What the result is reported on.
        case test
    }

    let dataset: Dataset

    /// MNIST: 50,000, 10,000 and 10,000 handwritten digits of 28 x 28 pixels, each from 0 (white) to 1 (black).
    ///
    /// The files lie in the folder that the environment variable `LOCKSTEP_CACHE` names, or in `~/.cache/lockstep`;
    /// `scripts/fetch-data mnist` puts them there.
    ///
    /// - Returns: The samples, in the files' order.
    /// - Throws: ``LockstepError`` of the kind `data` if files are missing or damaged.
    public static func mnist() throws(LockstepError) -> Samples {
        try withPublicErrors { Samples(try Dataset.load(.named(KnownDataset.mnist.name), cache: try DataCache())) }
    }

    /// Samples from the pickle in which the textbook ships MNIST, `mnist.pkl.gz`: three pairs of numpy arrays.
    ///
    /// - Parameter path: The file, gzipped or not. Nothing in it is executed.
    /// - Throws: ``LockstepError`` of the kind `data` if it is missing, damaged or holds anything else.
    public init(pickle path: String) throws(LockstepError) {
        dataset = try withPublicErrors { try Dataset.load(.pickle(path), cache: try DataCache()) }
    }

    /// Samples from values in memory.
    ///
    /// - Parameters:
    ///   - inputs: [samples][inputSize], finite numbers; networks learn best where they lie between 0 and 1. Those for
    ///     training come first, then `validation`, then `test` ones.
    ///   - labels: [samples], each from 0 on. There are as many classes as the highest label + 1, at least 2.
    ///   - validation: How many samples are set aside for validation.
    ///   - test: How many for the test.
    ///   - name: What the samples are called in messages and model files.
    /// - Throws: ``LockstepError`` of the kind `data` where the numbers do not fit each other.
    public init(
        inputs: [[Float]], labels: [Int], validation: Int = 0, test: Int = 0, name: String = "custom"
    ) throws(LockstepError) {
        guard inputs.count == labels.count else {
            throw LockstepError(.data, "samples '\(name)': \(inputs.count) inputs, but \(labels.count) labels")
        }
        let size = inputs.first?.count ?? 0
        for (index, input) in inputs.enumerated() {
            guard input.count == size else {
                throw LockstepError(
                    .data, "samples '\(name)': input \(index) has \(input.count) values, the first one has \(size)")
            }
            guard input.allSatisfy(\.isFinite) else {
                throw LockstepError(.data, "samples '\(name)': input \(index) holds a value that is no finite number")
            }
        }
        var classes: [UInt16] = []
        for (index, label) in labels.enumerated() {
            guard let narrow = UInt16(exactly: label) else {
                throw LockstepError(.data, "samples '\(name)': label \(index) is \(label), not 0 to \(UInt16.max)")
            }
            classes.append(narrow)
        }
        guard validation >= 0, test >= 0, validation < labels.count, test < labels.count - validation else {
            throw LockstepError(
                .data,
                "samples '\(name)': of \(labels.count) samples, \(validation) for validation and \(test) for the test "
                    + "leave none to train with")
        }
        dataset = try withPublicErrors {
            try Dataset.make(
                name: name, inputSize: size, features: inputs.flatMap { $0 }, labels: classes, validation: validation,
                test: test)
        }
    }

    init(_ dataset: Dataset) {
        self.dataset = dataset
    }

    /// What the samples are called.
    public var name: String { dataset.description.name }
    /// Numbers of a sample: 784 for MNIST.
    public var inputSize: Int { dataset.description.inputSize }
    /// Labels are 0 to this - 1.
    public var classCount: Int { dataset.description.classCount }

    /// How many samples a split has.
    public func count(of split: Split) -> Int {
        dataset.indices(of: split.inner).count
    }

    /// One sample.
    ///
    /// - Parameters:
    ///   - index: From 0 to ``count(of:)`` - 1.
    ///   - split: The part to take it from.
    /// - Returns: The sample's numbers, [inputSize], and its label.
    public func sample(_ index: Int, of split: Split) -> (input: [Float], label: Int) {
        let numbers = dataset.indices(of: split.inner)
        precondition(index >= 0 && index < numbers.count, "a sample beyond the end of its split")
        let number = numbers.lowerBound + index
        let input = [Float](unsafeUninitializedCapacity: inputSize) { buffer, count in
            if let base = buffer.baseAddress { dataset.gather(number..<number + 1, into: base) }
            count = inputSize
        }
        return (input, dataset.label(of: number))
    }
}

extension Samples.Split {
    var inner: LockstepData.Split {
        switch self {
        case .training: .training
        case .validation: .validation
        case .test: .test
        }
    }
}

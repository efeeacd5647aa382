import LockstepData

/// Labelled samples in three splits: for training, for validation (choosing among networks) and for the test.
///
/// A sample is a vector of ``inputSize`` values and a label from 0 to ``classCount`` - 1.
public struct Dataset: Sendable {
    /// A part of the samples, by its use.
    public enum Split: Hashable, Sendable, CaseIterable {
        /// Gradients are computed from these samples.
        case training
        /// The best of several networks is chosen by these samples.
        case validation
        /// The result is reported on these samples.
        case test
    }

    let storage: LockstepData.Dataset

    /// MNIST: 50,000, 10,000 and 10,000 handwritten digits of 28 x 28 pixels, each from 0 (white) to 1 (black).
    ///
    /// The files lie in the folder that the environment variable `LOCKSTEP_CACHE` names, or in `~/.cache/lockstep`;
    /// `scripts/fetch-data mnist` puts them there.
    ///
    /// - Returns: The samples, in the files' order.
    /// - Throws: ``LockstepError`` of the kind `data` if files are missing or damaged.
    public static func mnist() throws(LockstepError) -> Dataset {
        try Dataset(named: KnownDataset.mnist.name)
    }

    /// Reads a data set that `scripts/fetch-data` has put into the folder of ``mnist()``.
    ///
    /// - Parameter name: `mnist`; `mnist-60000`, with all 60,000 images for training and none for validation; or
    ///   `fashion-mnist`, clothes instead of digits.
    /// - Throws: ``LockstepError`` of the kind `data` if there is no such name, or files are missing or damaged.
    public init(named name: String) throws(LockstepError) {
        self.init(try Self.load(.named(name)))
    }

    /// Reads the pickle in which the textbook ships MNIST, `mnist.pkl.gz`: three pairs of numpy arrays.
    ///
    /// - Parameter path: The file, gzipped or not. Nothing in it is executed.
    /// - Throws: ``LockstepError`` of the kind `data` if it is missing, damaged or holds anything else.
    public init(pickle path: String) throws(LockstepError) {
        self.init(try Self.load(.pickle(path)))
    }

    /// Reads a file or a folder of any format that Lockstep knows: a table, numpy arrays (`.npz`), a pickle, a folder with four IDX
    /// files, or a folder of PNG and JPEG pictures by class.
    ///
    /// - Parameter path: The file or the folder.
    /// - Throws: ``LockstepError`` of the kind `data` that names the fault.
    public init(contentsOf path: String) throws(LockstepError) {
        self.init(try withPublicErrors { try DataSource(path: path).load(cache: DataCache()) })
    }

    /// Makes a data set of numbers to learn from values in memory. A network for it has one output, which is linear.
    ///
    /// - Parameters:
    ///   - inputs: [samples][inputSize], finite values, as with labels.
    ///   - targets: [samples], finite; networks learn best from values of about 1.
    ///   - validation: The number of samples that are set aside for validation.
    ///   - test: The number of samples that are set aside for the test.
    ///   - name: The data set's name in messages and model files.
    /// - Throws: ``LockstepError`` of the kind `data` if inputs, targets and counts don't fit each other.
    public init(
        inputs: [[Float]], targets: [Float], validation: Int = 0, test: Int = 0, name: String = "custom"
    ) throws(LockstepError) {
        let size = try Self.checkedSize(inputs, samples: targets.count, validation, test, name)
        guard targets.allSatisfy(\.isFinite) else {
            throw LockstepError(.data, "data set '\(name)': a target is not a finite number")
        }
        storage = try withPublicErrors {
            try LockstepData.Dataset.make(
                name: name, inputSize: size, features: inputs.flatMap { $0 },
                labels: Array(repeating: 0, count: targets.count), targets: targets, validation: validation, test: test)
        }
    }

    /// Checks that samples fit together, and returns the size of one.
    private static func checkedSize(
        _ inputs: [[Float]], samples: Int, _ validation: Int, _ test: Int, _ name: String
    ) throws(LockstepError) -> Int {
        func invalid(_ text: String) -> LockstepError { LockstepError(.data, "data set '\(name)': \(text)") }
        guard inputs.count == samples else { throw invalid("\(inputs.count) inputs, but \(samples) labels") }
        let size = inputs.first?.count ?? 0
        for (index, input) in inputs.enumerated() {
            guard input.count == size else {
                throw invalid("input \(index) has \(input.count) values, the first one has \(size)")
            }
            guard input.allSatisfy(\.isFinite) else {
                throw invalid("input \(index) holds a value that is not a finite number")
            }
        }
        guard validation >= 0, test >= 0, validation < samples, test < samples - validation else {
            throw invalid(
                "of \(samples) samples, \(validation) for validation and \(test) for the test leave none to train with")
        }
        return size
    }

    /// Makes a data set from values in memory.
    ///
    /// - Parameters:
    ///   - inputs: [samples][inputSize], finite values; networks learn best from values between 0 and 1. The samples for
    ///     training come first, then `validation` samples, then `test` samples.
    ///   - labels: [samples], each at least 0. There are as many classes as the highest label + 1, at least 2.
    ///   - validation: The number of samples that are set aside for validation.
    ///   - test: The number of samples that are set aside for the test.
    ///   - name: The data set's name in messages and model files.
    /// - Throws: ``LockstepError`` of the kind `data` if inputs, labels and counts don't fit each other.
    public init(
        inputs: [[Float]], labels: [Int], validation: Int = 0, test: Int = 0, name: String = "custom"
    ) throws(LockstepError) {
        let size = try Self.checkedSize(inputs, samples: labels.count, validation, test, name)
        var classes: [UInt16] = []
        for (index, label) in labels.enumerated() {
            guard let narrow = UInt16(exactly: label) else {
                throw LockstepError(.data, "data set '\(name)': label \(index) is \(label), not 0 to \(UInt16.max)")
            }
            classes.append(narrow)
        }
        storage = try withPublicErrors {
            try LockstepData.Dataset.make(
                name: name, inputSize: size, features: inputs.flatMap { $0 }, labels: classes, validation: validation,
                test: test)
        }
    }

    init(_ storage: LockstepData.Dataset) {
        self.storage = storage
    }

    static func load(_ source: DataSource) throws(LockstepError) -> LockstepData.Dataset {
        try withPublicErrors { try source.load(cache: DataCache()) }
    }

    /// The data set's name.
    public var name: String { storage.description.name }
    /// Values of a sample: 784 for MNIST.
    public var inputSize: Int { storage.description.inputSize }
    /// Labels are 0 to this - 1.
    public var classCount: Int { storage.description.classCount }
    /// The name of each class, [classCount]: of a digit, or where the data set does not say, its number.
    public var classNames: [String] { storage.description.classNames }

    /// The number of samples of a split.
    public func count(of split: Split) -> Int {
        storage.indices(of: split.inner).count
    }

    /// One sample.
    ///
    /// - Parameters:
    ///   - index: From 0 to ``count(of:)`` - 1.
    ///   - split: The split that the index counts in.
    /// - Returns: The sample's values, [inputSize], and its label.
    /// - Throws: ``LockstepError`` of the kind `data` if the split has no such sample.
    public func sample(_ index: Int, of split: Split) throws(LockstepError) -> (input: [Float], label: Int) {
        let indices = storage.indices(of: split.inner)
        guard index >= 0, index < indices.count else {
            throw LockstepError(
                .data, "data set '\(name)': there is no sample \(index) among \(indices.count) of this split")
        }
        let sample = indices.lowerBound + index
        let input = [Float](unsafeUninitializedCapacity: inputSize) { buffer, count in
            if let base = buffer.baseAddress { storage.gather(sample..<sample + 1, into: base) }
            count = inputSize
        }
        return (input, storage.label(of: sample))
    }
}

extension Dataset.Split {
    var inner: LockstepData.Split {
        switch self {
        case .training: .training
        case .validation: .validation
        case .test: .test
        }
    }
}

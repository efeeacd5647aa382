package import LockstepArtifacts
package import LockstepCompute
package import LockstepData
import LockstepNetwork
import LockstepText
package import LockstepTraining

/// Several trained networks that answer together: their outputs are averaged.
///
/// Networks that were trained from different seeds, or that are built differently, make different mistakes, and most of
/// them disappear in the mean. All networks of an ensemble take equally many values and tell the same classes apart.
///
/// The activations of the last layer are averaged, in double and in the order of ``networks``. Those of a softmax network
/// are its probabilities of the classes, and so is their mean. Those of a sigmoid network are each output's own
/// activation and need not add up to 1. A mean that contains a sigmoid network ranks the classes and is no probability.
///
/// ```swift
/// let ensemble = try Ensemble(contentsOf: ["first.safetensors", "second.safetensors"])
/// print(try ensemble.evaluate(on: digits))
/// ```
///
/// A network that is given twice counts twice.
public struct Ensemble: Sendable {
    /// The networks, at least one.
    public let networks: [Network]

    /// Makes an ensemble of networks.
    ///
    /// - Parameter networks: At least one; their order decides how the last bit of a mean is rounded, and ``evaluate(on:split:)``
    ///   computes the first one's cost function.
    /// - Throws: ``LockstepError`` of the kind `configuration` if there is no network, or they have different numbers of inputs
    ///   or outputs, other classes, or were trained on different data.
    public init(_ networks: [Network]) throws(LockstepError) {
        try self.init(networks, names: networks.indices.map { "network \($0)" })
    }

    /// Reads model files, such as `best.safetensors` of several runs.
    ///
    /// - Parameter paths: At least one file, each as ``Network/init(contentsOf:)`` reads it.
    /// - Throws: ``LockstepError`` that names the file: of the kind `file` if one is missing, damaged or something else, of the
    ///   kind `configuration` if the networks don't fit each other.
    public init(contentsOf paths: [String]) throws(LockstepError) {
        var networks: [Network] = []
        for path in paths { networks.append(try Network(contentsOf: path)) }
        try self.init(networks, names: paths.map(\.printableName))
    }

    /// Makes an ensemble of models, which have these names in errors.
    package init(_ models: [TrainedModel], names: [String]) throws(LockstepError) {
        try self.init(models.map(Network.init), names: names)
    }

    private init(_ networks: [Network], names: [String]) throws(LockstepError) {
        guard !networks.isEmpty else {
            throw LockstepError(.configuration, "an ensemble has at least one network; give one")
        }
        // All networks that have a property must agree with the first network that has it.
        func compare<Value: Equatable>(
            _ value: (Network) -> Value?, problem: (_ found: Value, _ first: String, _ expected: Value) -> String
        ) throws(LockstepError) {
            var first: (name: String, value: Value)?
            for (network, name) in zip(networks, names) {
                guard let found = value(network) else { continue }
                guard let known = first else {
                    first = (name, found)
                    continue
                }
                guard found == known.value else {
                    throw LockstepError(.configuration, "\(name): \(problem(found, known.name, known.value))")
                }
            }
        }
        try compare(
            { $0.model.inputs },
            problem: {
                "takes \($0) values and cannot be averaged with \($1), which takes \($2); average networks of one data set"
            })
        try compare(
            { $0.model.outputs },
            problem: {
                "has \($0) classes and cannot be averaged with \($1), which has \($2); average networks of one data set"
            })
        try compare(
            { $0.targets?.text ?? "one-hot" },
            problem: {
                "has the targets \($0) and cannot be averaged with \($1), which has \($2); average networks of equal targets"
            })
        try compare(
            { $0.metadata.dataSHA256 },
            problem: { _, first, _ in "was trained on other data than \(first); average networks of one data set" })
        try compare(
            { $0.metadata.labels.isEmpty ? nil : $0.metadata.labels },
            problem: { _, first, _ in "names its classes otherwise than \(first); average networks of one data set" })
        self.networks = networks
    }

    /// The name of each output, from the first network that has names; without one, its number.
    public var classNames: [String] {
        (networks.first { !$0.metadata.labels.isEmpty } ?? networks[0]).classNames
    }

    /// Runs one sample through all networks.
    ///
    /// - Parameter input: Scaled as the training samples were: pixels from 0 to 1 for MNIST.
    /// - Returns: The mean of the networks' outputs, one for each class; of a single network, its outputs.
    /// - Throws: ``LockstepError``, as ``Network/outputs(for:)->[Float]`` does.
    public func outputs(for input: [Float]) throws(LockstepError) -> [Float] {
        var mean = OutputMean(networks: networks.count, count: networks[0].model.outputs)
        for network in networks {
            try network.outputs(for: input).withUnsafeBufferPointer { mean.add($0) }
        }
        return mean.values
    }

    /// Classifies one sample.
    ///
    /// - Parameter input: Scaled as the training samples were.
    /// - Returns: The class of the largest mean output.
    /// - Throws: ``LockstepError``, as ``outputs(for:)`` does.
    public func predict(_ input: [Float]) throws(LockstepError) -> Network.Prediction {
        Network.Prediction(outputs: try outputs(for: input), targets: networks[0].targets)
    }

    /// Counts how many samples of a split the networks classify correctly together.
    ///
    /// - Parameters:
    ///   - dataset: Its samples must fit the networks.
    ///   - split: The part of the data set.
    /// - Returns: The count, and the mean cost of the averaged outputs: that of the first network's cost function. Both are 0 for
    ///   a split without samples.
    /// - Throws: ``LockstepError``, as ``Network/evaluate(on:split:)`` does.
    public func evaluate(on dataset: Dataset, split: Dataset.Split = .test) throws(LockstepError) -> Evaluation {
        try withPublicErrors {
            Evaluation(
                try score(of: split.inner, of: dataset.storage, library: try ComputeLibrary.inUse()))
        }
    }

    /// Scores a split of a data set.
    package func score(
        of split: LockstepData.Split, of dataset: LockstepData.Dataset, library: ComputeLibrary
    ) throws -> SplitScore {
        for network in networks {
            try network.architecture.check(against: dataset.description, targets: network.targets)
        }
        return try EnsembleEvaluator(
            networks.map { ($0.model, $0.parameters) }, library: library, dataset: dataset
        ).score(of: split)
    }
}

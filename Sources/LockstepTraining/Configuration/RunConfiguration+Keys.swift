import LockstepCompute
package import LockstepConfiguration
import LockstepData
import LockstepModel
package import LockstepNetwork
import LockstepSharding
import LockstepText

extension RunConfiguration {
    /// One entry of the table: a key, or a section with the keys of one of several kinds.
    package enum Entry: Sendable {
        case key(ConfigurationKey<RunConfiguration>)
        case choice(ConfigurationChoice<RunConfiguration>)
    }

    /// The configuration's table, in the order in which it is written.
    ///
    /// The keys of a section are declared next to the properties that they set.
    package static let entries: [Entry] = {
        let entries: [[Entry]] = [
            [.key(nameKey)],
            [.choice(ConfigurationChoice("data", \.data, .flat, example: "name: mnist")), .key(trainingSamplesKey)],
            section("network", \.network, Architecture.keys),
            [.key(modelKey), .key(costKey), .key(targetsKey)],
            section("training", \.training, TrainingOptions.keys),
            [.choice(ConfigurationChoice("optimizer", \.optimizer, .nested, example: "sgd: { learning-rate: 3.0 }"))],
            [.choice(scheduleChoice)],
            section("regularization", \.regularization, RegularizationOptions.keys),
            section("augmentation", \.augmentation, AugmentationOptions.keys),
            section("evaluation", \.evaluation, EvaluationOptions.keys),
            section("checkpoint", \.checkpoint, CheckpointOptions.keys),
            section("timeouts", \.timeouts, TimeoutOptions.keys),
            [.key(communicationKey), .key(shardsKey), .key(kernelKey)],
        ]
        return Array(entries.joined())
    }()

    private static let nameKey = ConfigurationKey(
        "name", \Self.name,
        .text(limits: "text, 1 to 200 characters") { name in
            name.isPrintable && name.unicodeScalars.count <= 200
                ? nil : "must be one line of at most 200 printable characters"
        }, example: "mnist-30", "names the run and its directory")

    /// With every format of data. After the format, which it does not belong to.
    private static let trainingSamplesKey = ConfigurationKey(
        "data.training", \Self.data.training, KeyFormat<Int>.integer(1...1_000_000_000).optional, default: "all",
        "the run trains on so many training samples, the first of the data set")

    private static let modelKey = ConfigurationKey(
        "model", \Self.model, ProgramModel.format.optional, default: "the layers of `network`",
        "a model that a program of your own brings, by its name and settings; only that program can train it")

    private static let costKey = ConfigurationKey(
        "cost", \Self.cost, .word, "what training minimizes: C = 1/2n Σ ‖y - a‖², or the negative log-likelihood")

    private static let targetsKey = ConfigurationKey(
        "targets", \Self.targets, TargetEncoding.format, default: "`one-hot`",
        "what the outputs should be: 1 at the class's own one, the digits of its number in base 2, or whether it is one class",
        rule: {
            guard $0.targets != nil else { return nil }
            if $0.network.output != .sigmoid { return "needs 'network.output: sigmoid'" }
            return $0.regularization.labelSmoothing > 0 ? "does not go with regularization.label-smoothing" : nil
        })

    private static let scheduleChoice = ConfigurationChoice(
        "schedule", \Self.schedule, .nested, isRequired: false, example: "one-cycle: { warm-up: 0.3 }")

    private static let communicationKey = ConfigurationKey(
        "communication-dtype", aliases: ["wire"], \Self.communicationDataType, .word,
        "the element type in which weights and gradients are sent; bfloat16 rounds them, in one process too")

    private static let shardsKey = ConfigurationKey(
        "shards", \Self.shards, KeyFormat<Int>.integer(1...SummationTree.maximumShards).optional,
        default: "the workers at the start",
        "parts that every mini-batch is cut into", onResume: .keepsRunValue)

    private static let kernelKey = ConfigurationKey(
        "kernel", \Self.kernel,
        .word(
            [("auto", nil), ("portable", .portable)] + NumericKernel.allCases.map { ($0.rawValue, $0) },
            formerly: NumericKernel.formerNames, write: { $0?.rawValue }), default: "`auto`",
        "the instructions of the inner loops", onResume: .keepsRunValue)

    /// All keys, in the order of the table.
    package static let keys: [ConfigurationKey<RunConfiguration>] = entries.flatMap { entry in
        switch entry {
        case .key(let key): [key]
        case .choice(let choice): choice.kinds.flatMap(\.keys)
        }
    }

    private static func section<Group>(
        _ name: String, _ property: any WritableKeyPath<RunConfiguration, Group> & Sendable,
        _ keys: [ConfigurationKey<Group>]
    ) -> [Entry] {
        keys.map {
            .key($0.within(name, get: { $0[keyPath: property] }, set: { $0[keyPath: property] = $1 }))
        }
    }
}

extension ProgramModel {
    /// `NAME SETTINGS`, on one line.
    fileprivate static let format = KeyFormat<String>.text(limits: "a name and a JSON object") { text in
        text.utf8.count <= maximumSettings && text.contains(" ") ? nil : "must be a name, a blank and a JSON object"
    }.mapped(
        expected: "a name and a JSON object",
        { text in
            let parts = text.split(separator: " ", maxSplits: 1)
            return parts.count == 2 ? ProgramModel(name: String(parts[0]), settings: String(parts[1])) : nil
        }, back: { "\($0.name) \($0.settings)" })
}

extension RunConfiguration: ConfigurationGroup {
    package static let defaults = RunConfiguration(
        name: "", data: .named(""), network: .defaults, training: .defaults, optimizer: .sgd(learningRate: 0))

    /// Fills in the defaults that follow from other keys.
    ///
    /// - Parameter isGiven: Whether the configuration has a value for the key at a path.
    package mutating func inferDefaults(isGiven: (String) -> Bool) {
        if !isGiven("network.output") {
            network.output = learnsNumbers ? .linear : targets == nil ? cost.customaryOutput : .sigmoid
        }
    }

    /// What a key requires in another section: the key's path and, if the requirement is not met, what it needs.
    package static let rules: [(path: String, broken: @Sendable (RunConfiguration) -> String?)] = [
        ("regularization.dropout", { $0.regularization.dropout > 0 ? $0.network.brokenDropout : nil }),
        ("regularization.input-dropout", { $0.regularization.inputDropout > 0 ? $0.network.brokenDropout : nil }),
        (
            "network.output",
            {
                $0.cost.accepts($0.network.output)
                    ? nil : $0.network.output == .linear ? "needs 'cost: quadratic'" : "needs 'cost: cross-entropy'"
            }
        ),
        ("data.target", { $0.cost == .quadratic ? nil : "needs 'cost: quadratic'" }),
        (
            "regularization.label-smoothing",
            {
                $0.regularization.labelSmoothing > 0 && $0.cost != .crossEntropy ? "needs 'cost: cross-entropy'" : nil
            }
        ),
        (
            "evaluation.every",
            { run in
                guard run.evaluation.every == 0, let key = run.keyOfEvaluations else { return nil }
                return "must be at least 1: \(key) follows evaluations"
            }
        ),
    ]
}

extension RunConfiguration {
    /// Whether the data set has numbers to learn in place of classes.
    private var learnsNumbers: Bool { (data.format as? TableFiles)?.target != nil }

    /// A key of this configuration that makes the run follow its evaluations; nil if it has none.
    var keyOfEvaluations: String? {
        if training.earlyStoppingPlateau != nil { return "training.early-stopping" }
        return schedule.followsValidation ? "schedule.\(type(of: schedule.kind).name)" : nil
    }
}

extension Architecture: ConfigurationGroup {
    package static let defaults = Architecture(sizes: [])

    static let keys = [
        ConfigurationKey(
            "sizes", \Architecture.sizes,
            KeyFormat.integer(1...maximumLayerSize).list(
                limits: "2 to \(maximumLayers) numbers, 1 to 1,048,576", expected: "a list of whole numbers"),
            example: "[784, 30, 10]",
            "neurons of each layer of a dense network, the input layer first; or give `input` and `layers`",
            alternative: KeyAlternative("layers", with: "input", example: layersExample),
            applies: { $0.layers.isEmpty || !$0.sizes.isEmpty }, rule: { $0.brokenSizeLimit }),
        ConfigurationKey(
            "activation", \Architecture.activation, .word, "of the hidden layers that `sizes` describe",
            applies: { $0.layers.isEmpty }),
        ConfigurationKey(
            "input", \Architecture.input,
            KeyFormat.integer(1...maximumLayerSize).list(
                limits: "1 or 3 numbers, 1 to 1,048,576", expected: "a list of whole numbers"),
            default: "with `layers`, required",
            "values of a sample, `[784]`, or channels, rows and columns of an image, `[1, 28, 28]`",
            applies: { !$0.input.isEmpty },
            rule: {
                !$0.input.isEmpty && $0.layers.isEmpty
                    ? "needs network.layers with at least one layer, as in 'layers: \(layersExample)'" : nil
            }),
        ConfigurationKey(
            "layers", \Architecture.layers,
            Layer.format.list(limits: "1 to \(maximumLayers) layers", expected: "a list of layers"),
            default: "dense layers as `sizes` say", "the network's layers in place of `sizes`, the first one first",
            applies: { !$0.layers.isEmpty }, rule: { $0.brokenLayers }, fault: { $0.faultOfLayers }),
        ConfigurationKey(
            "output", \Architecture.output, .word,
            default: "`sigmoid`; `softmax` with cross-entropy and one-hot targets; `linear` with `data.target`",
            "of the last layer"),
        ConfigurationKey("initializer", \Architecture.initializer, .word, "the first weights and biases"),
    ]

    private static let layersExample = "[flatten, { dense: 10 }]"

    fileprivate var brokenDropout: String? {
        layers.isEmpty ? nil : "goes with network.sizes; write '{ dropout: 0.5 }' among network.layers"
    }

    private var brokenLayers: String? {
        guard !layers.isEmpty else { return nil }
        guard sizes.isEmpty else { return "does not go with network.sizes: keep one of them" }
        return input.isEmpty ? "needs network.input, as in 'input: [1, 28, 28]'" : nil
    }

    /// Why no network can have these layers.
    private var faultOfLayers: ConfigurationFault? {
        guard !layers.isEmpty else { return nil }
        do throws(NetworkError) {
            _ = try validated()
        } catch {
            if case .layer(let index, _, _) = error { return ConfigurationFault(element: index, "\(error)") }
            return ConfigurationFault("\(error)")
        }
        return faultOfLastLayer
    }

    /// Why the last layer cannot be the last: the network's output function follows it, so an activation would be a second
    /// one. After ReLU no class can fall below the score 0, and after a sigmoid all outputs of a second one lie between 0.5
    /// and 0.73.
    ///
    /// It is a mistake in PyTorch, too: its loss functions apply the output function and expect weighted inputs. An
    /// activation before pooling is none: networks without dense layers end so.
    private var faultOfLastLayer: ConfigurationFault? {
        guard let last = layers.last, last.layer is ActivationLayer || last.layer is DropoutLayer else { return nil }
        let index = layers.count - 1
        let (what, remedy) =
            last.layer is DropoutLayer
            ? ("would drop outputs of the network", "put it before the last layer with neurons, or remove it")
            : ("is followed by the network's output function, which is \(output.rawValue)", "remove it")
        return ConfigurationFault(
            element: index, "network.layers[\(index)]: \(last.kindName) is the last layer and \(what); \(remedy)")
    }

    private var brokenSizeLimit: String? {
        guard layers.isEmpty else { return nil }
        guard (2...Self.maximumLayers).contains(sizes.count) else {
            return "must have 2 to \(Self.maximumLayers) numbers: [784, 30, 10]"
        }
        return (try? validated()) == nil
            ? "must give at most \(Self.maximumParameterBytes) bytes of weights and biases: use smaller layers" : nil
    }
}

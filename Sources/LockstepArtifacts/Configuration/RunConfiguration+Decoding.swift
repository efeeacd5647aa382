import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining

extension RunConfiguration {
    /// Reads the tree of a whole configuration.
    init(_ root: ConfigurationNode) throws(ConfigurationError) {
        let run = try ConfigurationSection(root, path: "")
        self.init(
            name: try Self.name(in: run),
            data: try DataSource(run.required("data", example: "{ name: mnist }", run.section("data"))),
            network: try Architecture(
                run.required("network", example: "{ sizes: [784, 30, 10] }", run.section("network"))),
            training: try TrainingOptions(
                run.required("training", example: "{ epochs: 30, batch: 10 }", run.section("training"))),
            optimizer: try OptimizerConfiguration(
                run.required("optimizer", example: "{ sgd: { learning-rate: 3.0 } }", run.section("optimizer"))),
            schedule: try ScheduleConfiguration(in: run),
            shards: try run.integer("shards", in: ConfigurationSchema.shards),
            kernel: try Self.kernel(in: run))
        if let cost = try run.choice("cost", of: Cost.self) { self.cost = cost }
        if let dataType = try run.choice("wire", of: CommunicationDataType.self) { communicationDataType = dataType }
        try readOutput(in: run)
        regularization = try RegularizationOptions(in: run)
        augmentation = try AugmentationOptions(in: run)
        if let section = try run.section("evaluation"),
            let every = try section.integer("every", in: ConfigurationSchema.evaluationInterval)
        {
            evaluation.every = every
        }
        if let section = try run.section("checkpoint"),
            let every = try section.number("every", in: 0..<ConfigurationSchema.maximumTimeout)
        {
            checkpoint.every = every
        }
        if let section = try run.section("timeouts") {
            let limit = ConfigurationSchema.maximumTimeout
            if let start = try section.positiveNumber("start", atMost: limit) { timeouts.start = start }
            if let rejoin = try section.positiveNumber("rejoin", atMost: limit) { timeouts.rejoin = rejoin }
        }
    }

    private static func name(in run: ConfigurationSection) throws(ConfigurationError) -> String {
        let name = try run.required("name", example: "mnist-30", run.text("name"))
        let isPrintable = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPrintable, ConfigurationSchema.nameLength.contains(name.unicodeScalars.count) else {
            throw ConfigurationError(
                kind: .impossibleValue, place: run.value("name")?.place ?? run.place, keyPath: "name",
                reason: "name is '\(name.printable)'",
                remedy: "it must be one line of at most \(ConfigurationSchema.nameLength.upperBound) characters")
        }
        return name
    }

    /// `auto` leaves the choice to the run, `portable` is the kernel that every machine has.
    private static func kernel(in run: ConfigurationSection) throws(ConfigurationError) -> MatrixKernel? {
        guard let node = run.value("kernel"), case .scalar(let text, _) = node.content else {
            return try run.choice("kernel", of: MatrixKernel.self)
        }
        switch text {
        case "auto": return nil
        case "portable": return .portable
        default:
            if let kernel = MatrixKernel(rawValue: text) { return kernel }
            let words = ["auto", "portable"] + MatrixKernel.allCases.map(\.rawValue)
            throw run.unknownChoice("kernel", node, text, words)
        }
    }
}

extension Architecture {
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        let read = try section.integers("sizes", in: ConfigurationSchema.layerSize)
        let sizes = try section.required("sizes", example: "[784, 30, 10]", read)
        self.init(sizes: sizes)
        if let node = section.value("sizes") {
            let layers = ConfigurationSchema.layers
            guard layers.contains(sizes.count) else {
                throw section.impossible(
                    "sizes", node, "must have \(layers.lowerBound) to \(layers.upperBound) numbers: [784, 30, 10]")
            }
            do throws(NetworkError) {
                _ = try validated()
            } catch {
                throw section.impossible(
                    "sizes", node, "must give at most \(Self.maximumParameterBytes) bytes of weights and biases")
            }
        }
        if let activation = try section.choice("activation", of: Activation.self) { self.activation = activation }
        if let initializer = try section.choice("initializer", of: Initializer.self) { self.initializer = initializer }
    }
}

extension TrainingOptions {
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        let epochs = try section.integer("epochs", in: ConfigurationSchema.epochs)
        let batch = try section.integer("batch", in: ConfigurationSchema.batch)
        self.init(
            epochs: try section.required("epochs", example: "30", epochs),
            batch: try section.required("batch", example: "10", batch))
        if let seed = try section.unsignedInteger("seed") { self.seed = seed }
    }
}

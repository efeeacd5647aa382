import ArgumentParser
import LockstepArtifacts
import LockstepCompute
import LockstepRuntime
import LockstepTraining

/// Which run, for every command that has one.
struct ConfigurationOptions: ParsableArguments {
    @Argument(
        help: "The run configuration, a YAML file such as config/mnist-30.yaml.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: ArgumentHelp("Samples in a mini-batch.", valueName: "n"))
    var batch: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override any key of the configuration. Can be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(
        help: ArgumentHelp(
            "The numeric kernel: auto (the best for this CPU), portable (the same bits on every AVX2 machine), "
                + "or \(KernelHelp.names). (default: auto)",
            valueName: "name"))
    var kernel: String?

    @Option(
        help: ArgumentHelp(
            "How weights and gradients travel: in shared memory, or inline in messages; auto takes shared memory where "
                + "it can. With shared-sockets messages announce what is in shared memory, otherwise mailboxes there do. "
                + "The weights do not depend on it. (default: auto)", valueName: "how"))
    var transport: Transport?

    /// Reads the configuration; the command line wins over the file, the file over the defaults.
    ///
    /// - Parameter shortcuts: A command's own options for a key, as (option, key, value); nil for those not given.
    /// - Returns: The configuration; its shards are not resolved.
    /// - Throws: What is wrong with the file or an option.
    func load(_ shortcuts: [(option: String, keyPath: String, value: String?)] = []) throws -> RunConfiguration {
        var changes = try overrides.map { try ConfigurationOverride(assignment: $0) }
        for case (let option, let keyPath, let value?) in shortcuts
            + [("--batch", "training.batch", batch.map(String.init))]
        {
            changes.append(ConfigurationOverride(keyPath: keyPath, value: value, spelling: "\(option) \(value)"))
        }
        var configuration = try ConfigurationFile.load(path: config, options: changes)
        if let kernel { configuration.kernel = try NumericKernel.resolve(kernel) }
        return configuration
    }

    /// The options that give another process of this program the same run.
    var arguments: [String] {
        var arguments = [config]
        if let batch { arguments += ["--batch", "\(batch)"] }
        if let kernel { arguments += ["--kernel", kernel] }
        for assignment in overrides { arguments += ["--set", assignment] }
        return arguments
    }
}

import LockstepDigest
package import LockstepTraining

/// A key that has one value in a run's configuration and another in the one that it is resumed with.
package struct ConfigurationChange: Hashable, Sendable, CustomStringConvertible {
    package var keyPath: String
    /// As YAML; nil where the key is absent.
    package var old: String?
    package var new: String?

    package var description: String {
        "\(keyPath) (\(old?.printable(limit: 60) ?? "absent") in the run, \(new?.printable(limit: 60) ?? "absent") now)"
    }
}

extension ConfigurationFile {
    /// Keys that say how a run is watched and how long it waits: its weights don't depend on them.
    private static let freeKeys: Set = ["evaluation.every", "checkpoint.every", "timeouts.start", "timeouts.rejoin"]
    private static let epochs = "training.epochs"

    /// Digest of all keys on which the weights of a step depend.
    package static func digest(of configuration: RunConfiguration) -> String {
        let values = boundValues(of: configuration)
        let text = values.keys.sorted().map { "\($0): \(values[$0] ?? "")\n" }.joined()
        return Array(text.utf8).withUnsafeBytes { SHA256.hash($0).hex }
    }

    /// Compares a run's configuration with the one that it is to be resumed with.
    ///
    /// Intervals and timeouts may differ, and epochs where no schedule spans the run. Shards and kernel are the run's
    /// where the new configuration leaves them open.
    ///
    /// - Returns: What may not have changed, in the order of the keys.
    package static func changes(
        from old: RunConfiguration, to new: RunConfiguration
    ) -> [ConfigurationChange] {
        var new = new
        new.shards = new.shards ?? old.shards
        new.kernel = new.kernel ?? old.kernel
        let (before, after) = (boundValues(of: old), boundValues(of: new))
        return Set(before.keys).union(after.keys).sorted().compactMap { key in
            before[key] == after[key] ? nil : ConfigurationChange(keyPath: key, old: before[key], new: after[key])
        }
    }

    /// The values that the weights of a step depend on, by key path.
    private static func boundValues(of configuration: RunConfiguration) -> [String: String] {
        guard let root = try? ConfigurationNode(yaml: yaml(of: configuration), place: { _ in .file("") }) else {
            preconditionFailure("a configuration that cannot be read back")
        }
        var values: [String: String] = [:]
        root.collectValues(path: "", into: &values)
        for key in freeKeys { values[key] = nil }
        if !configuration.isScheduleSpanningRun { values[epochs] = nil }
        return values
    }
}

extension ConfigurationNode {
    /// The texts of all values below, by key path.
    fileprivate func collectValues(path: String, into values: inout [String: String]) {
        guard case .mapping(let entries) = content else {
            values[path] = flowText
            return
        }
        for entry in entries {
            entry.value.collectValues(path: ConfigurationSchema.joined(path, entry.key), into: &values)
        }
    }

    /// The value on one line.
    private var flowText: String {
        switch content {
        case .scalar(let text, _): text
        case .sequence(let elements): "[" + elements.map(\.flowText).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{ " + entries.map { "\($0.key): \($0.value.flowText)" }.joined(separator: ", ") + " }"
        }
    }
}

import LockstepConfiguration
import LockstepDigest
import LockstepSystem
import LockstepText
package import LockstepTraining

/// A key whose value in a run's configuration differs from its value in the configuration of the resumed run.
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
    /// Digest of all keys on which the weights of a step depend.
    ///
    /// Checkpoints have it. It uses the first name of each key, so that a run can be resumed after a key is renamed.
    package static func digest(of configuration: RunConfiguration) -> String {
        digest(of: configuration, withPaths: true)
    }

    /// The same without the paths of the data set's files, which may move.
    package static func digestWithoutPaths(of configuration: RunConfiguration) -> String {
        digest(of: configuration, withPaths: false)
    }

    private static func digest(of configuration: RunConfiguration, withPaths: Bool) -> String {
        let firstPaths = Dictionary(RunConfiguration.keys.map { ($0.path, $0.firstPath) }) { first, _ in first }
        let values = boundValues(of: configuration, withPaths: withPaths).map {
            (path: firstPaths[$0.key] ?? $0.key, value: $0.value)
        }
        let text = values.sorted { $0.path < $1.path }.map { "\($0.path): \($0.value)\n" }.joined()
        return Array(text.utf8).withUnsafeBytes { SHA256.hash($0).hex }
    }

    /// Compares a run's configuration with the configuration that resumes it.
    ///
    /// - Returns: What may not have changed (see ``ResumeRule``), in the order of the keys.
    package static func changes(
        from old: RunConfiguration, to new: RunConfiguration
    ) -> [ConfigurationChange] {
        let before = boundValues(of: old, withPaths: false)
        var after = boundValues(of: new, withPaths: false)
        for key in RunConfiguration.keys where key.onResume == .keepsRunValue && after[key.path] == nil {
            after[key.path] = before[key.path]
        }
        return Set(before.keys).union(after.keys).sorted().compactMap { key in
            before[key] == after[key] ? nil : ConfigurationChange(keyPath: key, old: before[key], new: after[key])
        }
    }

    /// The values that the weights of a step depend on, by key path.
    private static func boundValues(of configuration: RunConfiguration, withPaths: Bool) -> [String: String] {
        var values = Dictionary(configuration.values.map { ($0.path, $0.value.flowText) }) { first, _ in first }
        for key in RunConfiguration.keys {
            switch key.onResume {
            case .mustMatch, .keepsRunValue: break
            case .mayChange: values[key.path] = nil
            // The data set's own digest stands for its files.
            case .mayMove: if !withPaths { values[key.path] = values[key.path].map { _ in "a path" } }
            case .mayChangeUnlessScheduleSpansRun:
                if !configuration.isScheduleSpanningRun { values[key.path] = nil }
            case .mayChangeUnlessScheduleFollowsValidation:
                if !configuration.isScheduleFollowingValidation { values[key.path] = nil }
            }
        }
        return values
    }
}

import LockstepConfiguration
import LockstepNetwork
import LockstepTraining

/// The documentation's table of all keys.
package enum ConfigurationReference {
    /// The table in Markdown, a row for each key in the order of the configuration.
    package static var table: String {
        var rows = ["| key | type, limits | default | meaning |", "| --- | --- | --- | --- |"]
        for entry in RunConfiguration.entries {
            if case .choice(let choice) = entry, choice.style == .nested { rows += kindsWithoutKeys(choice) }
            for key in ConfigurationSchema.keys(of: entry) {
                let limits = key.limits + (key.unit.map { " \($0)" } ?? "")
                let aliases = key.aliases.map { "; older name: `\($0)`" }.joined()
                rows.append(
                    "| `\(key.path)` | \(limits) | \(key.defaultText ?? "required") | \(key.meaning)\(aliases) |")
            }
        }
        return rows.joined(separator: "\n") + "\n"
    }

    /// The table of all layers in Markdown, a row for each word or key.
    package static var layerTable: String {
        var rows = ["| layer | key | type, limits | default | meaning |", "| --- | --- | --- | --- | --- |"]
        for kind in Layer.kinds { rows += self.rows(of: kind) }
        return rows.joined(separator: "\n") + "\n"
    }

    private static func rows<Kind: LayerKind>(of kind: Kind.Type) -> [String] {
        if kind == ActivationLayer.self {
            let words = Activation.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            return ["| \(words) | | | | \(kind.meaning) |"]
        }
        let keys = kind.keys.map { key in
            let short = key.name == kind.shortKey ? ", the value that may stand alone" : ""
            return "| | `\(key.name)` | \(key.limits) | \(key.defaultText ?? "required") | \(key.meaning)\(short) |"
        }
        return ["| `\(kind.name)` | | | | \(kind.meaning) |"] + keys
    }

    private static func kindsWithoutKeys(_ choice: ConfigurationSchema.Choice) -> [String] {
        let isDefault = choice.isRequired ? nil : choice.kinds.first { $0.isSelected(RunConfiguration.defaults) }?.name
        return choice.kinds.filter(\.keys.isEmpty).map { kind in
            "| `\(choice.path)` | `\(kind.name)`, or the keys below | \(isDefault == kind.name ? "`\(kind.name)`" : "") "
                + "| a \(choice.path) without keys of its own |"
        }
    }
}

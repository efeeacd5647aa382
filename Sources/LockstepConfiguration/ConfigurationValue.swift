/// A value of the configuration, independent of the file format.
package enum ConfigurationValue: Hashable, Sendable {
    /// `isPlain`: written without quotes, so that it may be a number.
    case scalar(String, isPlain: Bool)
    case list([ConfigurationValue])
    /// Keys with values of their own, in their order.
    case group([Entry])

    /// A key and its value.
    package struct Entry: Hashable, Sendable {
        package let key: String
        package let value: ConfigurationValue

        package init(key: String, value: ConfigurationValue) {
            self.key = key
            self.value = value
        }
    }

    /// The value on one line, without quotes.
    package var flowText: String {
        switch self {
        case .scalar(let text, _): text
        case .list(let elements): "[" + elements.map(\.flowText).joined(separator: ", ") + "]"
        case .group(let entries): "{" + entries.map { "\($0.key): \($0.value.flowText)" }.joined(separator: ", ") + "}"
        }
    }
}

/// Why a key cannot have a value.
package enum ConfigurationProblem: Error, Hashable, Sendable {
    /// `expected` as in "must be a whole number".
    case wrongType(expected: String)
    /// Of the right type, but impossible; `rule` as in "must be from 1 to 10".
    case impossible(rule: String)
    /// Not one of the words that the key knows.
    case unknownWord(String, known: [String])
    /// A key of a group that the group does not know.
    case unknownKey(String, known: [String])
    /// A group lacks a key; `example` is a possible value.
    case missingKey(String, example: String)
    /// A problem of the value of a key of a group.
    indirect case entry(String, ConfigurationProblem)
    /// A problem of one element of a list, counted from 0.
    indirect case element(Int, ConfigurationProblem)
}

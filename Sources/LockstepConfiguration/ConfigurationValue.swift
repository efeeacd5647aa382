/// A value of the configuration, independent of the file format.
package enum ConfigurationValue: Hashable, Sendable {
    /// `isPlain`: written without quotes, so that it may be a number.
    case scalar(String, isPlain: Bool)
    case list([ConfigurationValue])
    /// Keys with values of their own.
    case group

    /// The value on one line, without quotes.
    package var flowText: String {
        switch self {
        case .scalar(let text, _): text
        case .list(let elements): "[" + elements.map(\.flowText).joined(separator: ", ") + "]"
        case .group: "{}"
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
    /// A problem of one element of a list, counted from 0.
    indirect case element(Int, ConfigurationProblem)
}

import LockstepSystem
import LockstepText
import Yams

/// A YAML value with the place where it was written.
///
/// The values of the file and of the command line are in one tree, and each error names the place of its value.
struct ConfigurationNode {
    typealias Place = ConfigurationError.Place

    indirect enum Content {
        /// `isPlain`: written without quotes, so that it may be a number.
        case scalar(String, isPlain: Bool)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    struct Entry {
        var key: String
        var keyPlace: Place
        var value: ConfigurationNode
    }

    var content: Content
    var place: Place

    /// Whether the value is empty, `~` or `null`, which means the same as no key.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The value in an error message.
    var summary: String {
        switch content {
        case .scalar("", isPlain: true): "empty"
        case .scalar(let text, isPlain: true): text.printable(limit: 60)
        case .scalar(let text, isPlain: false): "the text '\(text.printable(limit: 60))'"
        case .sequence: "a list"
        case .mapping: "a group of keys"
        }
    }
}

extension ConfigurationNode {
    /// The most levels of lists and mappings, and the most values, that a configuration may have.
    private static let maximumDepth = 16
    private static let maximumNodes = 10_000
    /// Each alias can double the work of a YAML reader, so only a few are allowed.
    private static let maximumAliases = 8

    /// Reads one YAML document; `place` makes the place that errors name from a line number, from 1, or from 0 for the whole
    /// text.
    init(yaml text: String, place: (Int) -> Place) throws(ConfigurationError) {
        guard Self.possibleAliases(in: text) <= Self.maximumAliases else {
            throw ConfigurationError(
                kind: .malformed, place: place(0), reason: "more than \(Self.maximumAliases) YAML aliases (*name)",
                remedy: "write the values out")
        }
        let root: Node?
        do {
            // The basic resolver leaves each scalar a text; the key decides its type. The default encoding would depend on
            // the environment.
            root = try compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            throw ConfigurationError(error, place: place)
        } catch {
            throw ConfigurationError(kind: .malformed, place: place(0), reason: "not valid YAML: \(error)")
        }
        guard let root else {
            self.init(content: .scalar("", isPlain: true), place: place(1))
            return
        }
        var budget = Self.maximumNodes
        try self.init(root, place: place, depth: 0, budget: &budget)
    }

    private init(
        _ node: Node, place: (Int) -> Place, depth: Int, budget: inout Int
    ) throws(ConfigurationError) {
        let line = node.mark?.line ?? 0
        budget -= 1
        guard budget >= 0, depth <= Self.maximumDepth else {
            throw ConfigurationError(
                kind: .malformed, place: place(line), reason: "too many or too deeply nested values",
                remedy: "a run configuration has a few dozen")
        }
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            var elements: [ConfigurationNode] = []
            for element in sequence {
                elements.append(try Self(element, place: place, depth: depth + 1, budget: &budget))
            }
            content = .sequence(elements)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                let keyPlace = place(key.mark?.line ?? line)
                guard case .scalar(let scalar) = key else {
                    throw ConfigurationError(kind: .malformed, place: keyPlace, reason: "a key must be a word")
                }
                let value = try Self(value, place: place, depth: depth + 1, budget: &budget)
                entries.append(Entry(key: scalar.string, keyPlace: keyPlace, value: value))
            }
            content = .mapping(entries)
        case .alias:
            throw ConfigurationError(kind: .malformed, place: place(line), reason: "an alias without its anchor")
        }
        self.place = place(line)
    }

    /// An upper bound of the number of aliases: it also counts asterisks in quoted texts and in comments after a value.
    private static func possibleAliases(in text: String) -> Int {
        let opening = Set(" \t[{,:?-".utf8)
        var count = 0
        for line in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            // YAML has line breaks outside ASCII, which may end a comment.
            let isASCII = line.allSatisfy { $0 < 0x80 }
            let first = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            if isASCII, first == UInt8(ascii: "#") { continue }
            var previous = UInt8(ascii: " ")
            for byte in line {
                if byte == UInt8(ascii: "*"), previous >= 0x80 || opening.contains(previous) { count += 1 }
                previous = byte
            }
        }
        return count
    }
}

extension ConfigurationError {
    /// An error of libyaml, on one line.
    fileprivate init(_ error: YamlError, place: (Int) -> Place) {
        func syntax(_ problem: String, _ line: Int) -> ConfigurationError {
            ConfigurationError(
                kind: .malformed, place: place(line), reason: "not valid YAML: \(problem.printable)",
                remedy: "check quotes, brackets and indentation here and on the line above")
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let context = context.map { "\($0.text) (line \($0.mark.line)), " } ?? ""
            self = syntax(context + problem, mark.line)
        case .composer(_, let problem, let mark, _):
            self = syntax(problem, mark.line)
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            self = syntax(problem, 1 + before.count(where: \.isNewline))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            self.init(
                kind: .duplicateKey, place: place(context.mark.line), keyPath: key,
                reason: "key '\(key.printable)' is given more than once, here for the first time",
                remedy: "keep one of them")
        default:
            self = syntax("\(error)", 0)
        }
    }
}

/// A mapping of the configuration whose keys are known to be right, read value by value.
///
/// A key without a value (`seed:`, `seed: null`) counts as absent. Absent values are nil: their defaults stand in the
/// initialisers of the plain values.
struct ConfigurationSection {
    typealias Failure = ConfigurationError

    /// `optimizer.sgd`; empty for the whole file.
    let path: String
    let place: Failure.Place
    private let entries: [String: ConfigurationNode.Entry]

    /// Checks that `node` is a mapping with the keys that the schema lists for `path`.
    init(_ node: ConfigurationNode, path: String) throws(Failure) {
        guard case .mapping(let entries) = node.content else {
            let known = ConfigurationSchema.sections[path, default: []].joined(separator: ", ")
            let subject = path.isEmpty ? "the configuration" : path
            throw Failure(
                kind: .wrongType, place: node.place, keyPath: path,
                reason: "\(subject) is \(node.summary), not a group of keys", remedy: "its keys are \(known)")
        }
        var byKey: [String: ConfigurationNode.Entry] = [:]
        for entry in entries {
            guard ConfigurationSchema.sections[path, default: []].contains(entry.key) else {
                throw ConfigurationSchema.unknownKey(entry.key, in: path, place: entry.keyPlace)
            }
            byKey[entry.key] = entry
        }
        self.path = path
        self.place = node.place
        self.entries = byKey
    }

    /// The value of `key`, nil when absent or null.
    func value(_ key: String) -> ConfigurationNode? {
        guard let entry = entries[key], !entry.value.isNull else { return nil }
        return entry.value
    }

    /// The result of reading a key that has no default.
    func required<Value>(_ key: String, example: String, _ value: Value?) throws(Failure) -> Value {
        if let value { return value }
        let reason = entries[key] == nil ? "missing" : "empty"
        throw Failure(
            kind: .missingKey, place: entries[key]?.keyPlace ?? place, keyPath: keyPath(key),
            reason: "\(keyPath(key)) is \(reason)", remedy: "add for example '\(key): \(example)'")
    }

    func section(_ key: String) throws(Failure) -> ConfigurationSection? {
        guard let node = value(key) else { return nil }
        return try ConfigurationSection(node, path: keyPath(key))
    }

    func text(_ key: String) throws(Failure) -> String? {
        guard let node = value(key) else { return nil }
        guard case .scalar(let text, _) = node.content else { throw wrongType(key, node, expected: "a text") }
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw impossible(key, node, "must be a text of at least one character")
        }
        return text
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
        guard let node = value(key) else { return nil }
        return try integer(node, key, in: range)
    }

    func unsignedInteger(_ key: String) throws(Failure) -> UInt64? {
        guard let node = value(key) else { return nil }
        guard let digits = digits(node) else { throw wrongType(key, node, expected: "a whole number") }
        guard let number = UInt64(digits) else { throw impossible(key, node, "must be from 0 to \(UInt64.max)") }
        return number
    }

    /// A list of whole numbers: `[784, 30, 10]`.
    func integers(_ key: String, in range: ClosedRange<Int>) throws(Failure) -> [Int]? {
        guard let node = value(key) else { return nil }
        guard case .sequence(let elements) = node.content else {
            throw wrongType(key, node, expected: "a list of whole numbers")
        }
        var result: [Int] = []
        for (index, element) in elements.enumerated() {
            result.append(try integer(element, "\(key)[\(index)]", in: range))
        }
        return result
    }

    /// A finite number greater than 0.
    func positiveNumber(_ key: String, atMost limit: Double = .greatestFiniteMagnitude) throws(Failure) -> Double? {
        guard let node = value(key) else { return nil }
        guard case .scalar(let text, isPlain: true) = node.content, let number = Self.number(text) else {
            throw wrongType(key, node, expected: "a number")
        }
        guard number.isFinite, number > 0 else { throw impossible(key, node, "must be finite and greater than 0") }
        guard number <= limit else { throw impossible(key, node, "must be at most \(limit)") }
        return number
    }

    /// A number from the lower bound of `range` up to its upper bound, which is excluded.
    func number(_ key: String, in range: Range<Double>) throws(Failure) -> Double? {
        guard let node = value(key) else { return nil }
        guard case .scalar(let text, isPlain: true) = node.content, let number = Self.number(text) else {
            throw wrongType(key, node, expected: "a number")
        }
        guard range.contains(number) else {
            throw impossible(key, node, "must be at least \(range.lowerBound) and less than \(range.upperBound)")
        }
        return number
    }

    /// `true` or `false`.
    func flag(_ key: String) throws(Failure) -> Bool? {
        guard let node = value(key) else { return nil }
        guard case .scalar(let text, isPlain: true) = node.content, let flag = Bool(text) else {
            throw wrongType(key, node, expected: "true or false")
        }
        return flag
    }

    /// The one key of a section that names which kind of thing it describes: `sgd` of `optimizer`.
    ///
    /// A kind without settings may be written without value: `cosine:`.
    func variant(example: String) throws(Failure) -> String {
        let names = entries.keys.sorted()
        guard let name = names.first else {
            throw Failure(
                kind: .missingKey, place: place, keyPath: path, reason: "\(path) is empty",
                remedy: "add for example '\(example)'")
        }
        guard names.count == 1 else {
            throw Failure(
                kind: .impossibleValue, place: entries[names[1]]?.keyPlace ?? place, keyPath: keyPath(names[1]),
                reason: "\(path) has both '\(name)' and '\(names[1])'", remedy: "give one of them")
        }
        return name
    }

    /// One of the words that `Choice` knows.
    func choice<Choice>(_ key: String, of type: Choice.Type) throws(Failure) -> Choice?
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        guard let node = value(key) else { return nil }
        let words = type.allCases.map(\.rawValue)
        guard case .scalar(let text, _) = node.content else {
            throw wrongType(key, node, expected: words.joined(separator: ", "))
        }
        guard let choice = type.init(rawValue: text) else { throw unknownChoice(key, node, text, words) }
        return choice
    }

    /// The error for a word that is none of `words`.
    func unknownChoice(_ key: String, _ node: ConfigurationNode, _ text: String, _ words: [String]) -> Failure {
        let remedy = suggestion(for: text, among: words).map { "did you mean '\($0)'?" }
        return Failure(
            kind: .impossibleValue, place: node.place, keyPath: keyPath(key),
            reason: "unknown \(keyPath(key)) '\(text.printable)'",
            remedy: remedy ?? "known are " + words.joined(separator: ", "))
    }

    /// The error for a value of the right type that no run can have; `rule` as in "must be at least 1".
    func impossible(_ key: String, _ node: ConfigurationNode, _ rule: String) -> Failure {
        Failure(
            kind: .impossibleValue, place: node.place, keyPath: keyPath(key),
            reason: "\(keyPath(key)) is \(node.summary)", remedy: "it \(rule)")
    }

    func keyPath(_ key: String) -> String {
        ConfigurationSchema.joined(path, key)
    }
}

extension ConfigurationSection {
    private func wrongType(_ key: String, _ node: ConfigurationNode, expected: String) -> Failure {
        Failure(
            kind: .wrongType, place: node.place, keyPath: keyPath(key),
            reason: "\(keyPath(key)) is \(node.summary)", remedy: "it must be \(expected)")
    }

    private func integer(
        _ node: ConfigurationNode, _ key: String, in range: ClosedRange<Int>
    ) throws(Failure) -> Int {
        guard let digits = digits(node) else { throw wrongType(key, node, expected: "a whole number") }
        guard let number = Int(digits), range.contains(number) else {
            throw impossible(key, node, "must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The text of a whole decimal number of any size, without quotes.
    private func digits(_ node: ConfigurationNode) -> String? {
        guard case .scalar(let text, isPlain: true) = node.content else { return nil }
        let magnitude = text.utf8.dropFirst(text.hasPrefix("-") || text.hasPrefix("+") ? 1 : 0)
        let isNumber = !magnitude.isEmpty && magnitude.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? text : nil
    }

    /// A decimal number, or one of YAML's words for those that are none.
    private static func number(_ text: String) -> Double? {
        switch text.lowercased() {
        case ".inf", "+.inf": return .infinity
        case "-.inf": return -.infinity
        case ".nan": return .nan
        default: break
        }
        // Double's own reader also takes hexadecimal numbers and words.
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }
}

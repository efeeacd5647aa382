import LockstepConfiguration
import LockstepSystem
import LockstepText
import LockstepTraining

/// Reads a tree of YAML by the table of keys.
///
/// First the reader collects the keys of the tree, then it reads each key of the table. A key without a value (`seed:`,
/// `seed: null`) is the same as no key.
struct ConfigurationReader {
    typealias Failure = ConfigurationError
    typealias Key = ConfigurationSchema.Key
    typealias Choice = ConfigurationSchema.Choice

    /// A key that the configuration has.
    private struct Given {
        /// As it was spelled, which may be an older name.
        var path: String
        var keyPlace: Failure.Place
        var value: ConfigurationNode
    }

    /// By the key's current path; sections have entries too.
    private var given: [String: Given] = [:]
    private let root: ConfigurationNode

    /// - Throws: ``ConfigurationError`` for what is no section, and for keys that are not known.
    init(_ root: ConfigurationNode) throws(Failure) {
        self.root = root
        try collect(root, "")
    }

    /// Reads each key of the table.
    ///
    /// - Throws: ``ConfigurationError`` for the first value in the table's order that is missing or impossible.
    func configuration() throws(Failure) -> RunConfiguration {
        var run = RunConfiguration.defaults
        for entry in RunConfiguration.entries {
            switch entry {
            case .key(let key): try read(key, into: &run)
            case .choice(let choice): try read(choice, into: &run)
            }
        }
        run.inferDefaults { value($0) != nil }
        for key in RunConfiguration.keys {
            guard let given = value(key.path) else { continue }
            if let rule = key.brokenRule(in: run) { throw impossible(given, rule) }
            if let fault = key.fault(in: run) { throw failure(fault, given) }
            if !key.isApplicable(in: run) {
                throw impossible(given, "means nothing beside the other keys of its section: remove it")
            }
        }
        for rule in RunConfiguration.rules {
            if let broken = rule.broken(run), let given = value(rule.path) { throw impossible(given, broken) }
        }
        return run
    }

    // MARK: - The tree

    /// Collects the keys of a section and of the sections in it.
    private mutating func collect(_ node: ConfigurationNode, _ section: String) throws(Failure) {
        let known = ConfigurationSchema.sections[section, default: []]
        guard case .mapping(let entries) = node.content else {
            if case .scalar(let word, _) = node.content, ConfigurationSchema.isKindWithoutKeys(word, of: section) {
                let path = ConfigurationSchema.joined(section, word)
                given[path] = Given(path: path, keyPlace: node.place, value: node)
                return
            }
            let subject = section.isEmpty ? "the configuration" : section
            throw Failure(
                kind: .wrongType, place: node.place, keyPath: section,
                reason: "\(subject) is \(node.summary), not a group of keys",
                remedy: "its keys are \(known.joined(separator: ", "))")
        }
        for entry in entries where !ConfigurationSchema.knows(entry.key, in: section) {
            throw ConfigurationSchema.unknownKey(entry.key, in: section, place: entry.keyPlace)
        }
        for entry in entries {
            let path = ConfigurationSchema.joined(section, entry.key)
            let current = ConfigurationSchema.current(path)
            if let other = given[current] {
                throw Failure(
                    kind: .duplicateKey, place: entry.keyPlace, keyPath: path,
                    reason: "\(path) and \(other.path) are the same key", remedy: "keep one of them")
            }
            given[current] = Given(path: path, keyPlace: entry.keyPlace, value: entry.value)
            if ConfigurationSchema.sections[path] != nil, !entry.value.isNull { try collect(entry.value, path) }
        }
    }

    /// The key at a path, if it has a value.
    private func value(_ path: String) -> Given? {
        given[path].flatMap { $0.value.isNull ? nil : $0 }
    }

    // MARK: - Keys

    private func read(_ key: Key, into run: inout RunConfiguration) throws(Failure) {
        guard let given = value(key.path) else {
            guard let example = key.example else { return }
            let section = ConfigurationSchema.split(key.path).section
            if let other = key.alternative {
                let path = ConfigurationSchema.joined(section, other.name)
                guard value(path) == nil else { return }
                if value(ConfigurationSchema.joined(section, other.companion)) != nil {
                    throw missing(path, other.example)
                }
            }
            throw missing(key, example)
        }
        do throws(ConfigurationProblem) {
            try key.read(given.value.value, into: &run)
        } catch {
            throw failure(error, given)
        }
    }

    /// Reads the kind that a section describes, by its name or by its keys.
    private func read(_ choice: Choice, into run: inout RunConfiguration) throws(Failure) {
        guard let section = value(choice.path) else {
            if choice.isRequired { throw missing(choice.path, "{ \(choice.example) }") }
            return
        }
        guard let kind = choice.style == .nested ? try named(choice, section) : try told(choice, section) else {
            return
        }
        kind.select(&run)
        for key in kind.keys { try read(key, into: &run) }
    }

    /// The kind that the section's one key names: `sgd` of `optimizer`.
    ///
    /// A kind without settings may be written without value: `cosine:`.
    private func named(_ choice: Choice, _ section: Given) throws(Failure) -> Choice.Kind? {
        let kinds = choice.kinds.filter { given[ConfigurationSchema.joined(choice.path, $0.name)] != nil }
            .sorted { $0.name < $1.name }
        guard let first = kinds.first else {
            throw Failure(
                kind: .missingKey, place: section.value.place, keyPath: choice.path, reason: "\(choice.path) is empty",
                remedy: "add for example '\(choice.example)'")
        }
        guard kinds.count == 1 else {
            let path = ConfigurationSchema.joined(choice.path, kinds[1].name)
            throw Failure(
                kind: .impossibleValue, place: given[path]?.keyPlace ?? section.value.place, keyPath: path,
                reason: "\(choice.path) has both '\(first.name)' and '\(kinds[1].name)'", remedy: "give one of them")
        }
        return first
    }

    /// The kind whose keys the section has: the kind whose first key is there, else the first kind that has the section's
    /// first key.
    private func told(_ choice: Choice, _ section: Given) throws(Failure) -> Choice.Kind? {
        let names = ConfigurationSchema.sections[choice.path, default: []].filter { name in
            value(ConfigurationSchema.joined(choice.path, name)) != nil
                && choice.kinds.contains { $0.hasKey(named: name) }
        }
        guard let first = names.first else {
            throw Failure(
                kind: .missingKey, place: section.value.place,
                keyPath: ConfigurationSchema.joined(choice.path, choice.kinds.first?.name ?? ""),
                reason: "\(choice.path) is empty", remedy: "add \(Self.required(choice))")
        }
        let kind =
            choice.kinds.first { $0.keys.first.map { names.contains($0.name) } == true }
            ?? choice.kinds.first { $0.hasKey(named: first) }
        guard let kind, let key = kind.keys.first else { return nil }
        if let other = names.first(where: { !kind.hasKey(named: $0) }) {
            let path = ConfigurationSchema.joined(choice.path, other)
            throw Failure(
                kind: .impossibleValue, place: given[path]?.value.place ?? section.value.place, keyPath: path,
                reason: "\(choice.path) has both '\(key.name)' and '\(other)'", remedy: "give \(kind.advice)")
        }
        return kind
    }

    /// What each kind needs: "a 'name', a 'csv', or 'images' and 'labels'".
    private static func required(_ choice: Choice) -> String {
        let needs = choice.kinds.map { kind in
            let names = kind.keys.filter { $0.example != nil }.map { "'\($0.name)'" }
            return names.count == 1
                ? "a \(names[0])" : names.dropLast().joined(separator: ", ") + " and \(names.last ?? "")"
        }
        return needs.dropLast().joined(separator: ", ") + ", or \(needs.last ?? "")"
    }

    // MARK: - Errors

    /// The error for a missing key; if its whole section is missing, the error is about the section.
    private func missing(_ key: Key, _ example: String) -> Failure {
        let section = ConfigurationSchema.split(key.path).section
        if !section.isEmpty, value(section) == nil {
            let siblings = RunConfiguration.keys.filter { ConfigurationSchema.split($0.path).section == section }
            let needed = siblings.compactMap { key in key.example.map { "\(key.name): \($0)" } }
            return missing(section, "{ " + needed.joined(separator: ", ") + " }")
        }
        return missing(key.path, example)
    }

    private func missing(_ path: String, _ example: String) -> Failure {
        let (section, name) = ConfigurationSchema.split(path)
        let entry = given[path]
        let reason = entry == nil ? "missing" : "empty"
        return Failure(
            kind: .missingKey, place: entry?.keyPlace ?? given[section]?.value.place ?? root.place, keyPath: path,
            reason: "\(path) is \(reason)", remedy: "add for example '\(name): \(example)'")
    }

    private func failure(_ problem: ConfigurationProblem, _ given: Given) -> Failure {
        switch problem {
        case .wrongType(let expected):
            return Failure(
                kind: .wrongType, place: given.value.place, keyPath: given.path,
                reason: "\(given.path) is \(given.value.summary)", remedy: "it must be \(expected)")
        case .impossible(let rule):
            return impossible(given, rule)
        case .unknownWord(let word, let known):
            let remedy = suggestion(for: word, among: known).map { "did you mean '\($0)'?" }
            return Failure(
                kind: .impossibleValue, place: given.value.place, keyPath: given.path,
                reason: "unknown \(given.path) '\(word.printable)'",
                remedy: remedy ?? knownText(known))
        case .unknownKey(let key, let known):
            return Failure(
                kind: .unknownKey, place: given.value.place, keyPath: given.path,
                reason: "unknown key '\(key.printable)' in \(given.path)",
                remedy: suggestion(for: key, among: known).map { "did you mean '\($0)'?" }
                    ?? knownText(known))
        case .missingKey(let key, let example):
            return Failure(
                kind: .missingKey, place: given.value.place, keyPath: given.path,
                reason: "\(given.path) has no \(key)", remedy: "add for example '\(key): \(example)'")
        case .entry(let key, let problem):
            var entry = given
            entry.path += ".\(key)"
            if case .mapping(let entries) = given.value.content,
                let value = entries.first(where: { $0.key == key })?.value
            {
                entry.value = value
            }
            return failure(problem, entry)
        case .element(let index, let problem):
            var element = given
            element.path += "[\(index)]"
            if case .sequence(let elements) = given.value.content { element.value = elements[index] }
            return failure(problem, element)
        }
    }

    /// The error for an impossible value of the right type; `rule` as in "must be at least 1".
    private func impossible(_ given: Given, _ rule: String) -> Failure {
        // The value of a list is not repeated, and "is a list" would tell nothing.
        let isScalar = if case .scalar = given.value.content { true } else { false }
        return Failure(
            kind: .impossibleValue, place: given.value.place, keyPath: given.path,
            reason: isScalar ? "\(given.path) is \(given.value.summary)" : "\(given.path) \(rule)",
            remedy: isScalar ? "it \(rule)" : nil)
    }

    /// The error for a value whose fault is a sentence of its own, at the place of the faulty element.
    private func failure(_ fault: ConfigurationFault, _ given: Given) -> Failure {
        var (place, path) = (given.value.place, given.path)
        if let index = fault.element, case .sequence(let elements) = given.value.content,
            elements.indices.contains(index)
        {
            place = elements[index].place
            path += "[\(index)]"
        }
        return Failure(kind: .impossibleValue, place: place, keyPath: path, reason: fault.text)
    }
}

extension ConfigurationNode {
    /// The value without its place.
    fileprivate var value: ConfigurationValue {
        switch content {
        case .scalar(let text, let isPlain): .scalar(text, isPlain: isPlain)
        case .sequence(let elements): .list(elements.map(\.value))
        case .mapping(let entries): .group(entries.map { ConfigurationValue.Entry(key: $0.key, value: $0.value.value) })
        }
    }
}

import LockstepConfiguration

/// A value on the command line that replaces a value of the file.
package struct ConfigurationOverride: Hashable, Sendable {
    /// `network.sizes`.
    package var keyPath: String
    /// YAML: `[784, 100, 10]`.
    package var value: String
    /// As the user typed it, for error messages: `--set network.sizes=[784, 100, 10]`.
    package var spelling: String

    /// An option for one key, such as `--batch 100` for `training.batch`.
    package init(keyPath: String, value: String, spelling: String) {
        self.keyPath = keyPath
        self.value = value
        self.spelling = spelling
    }

    /// The argument of `--set`, `key=value`.
    /// - Throws: ``ConfigurationError`` if there is no `=`, or no key before it.
    package init(assignment: String) throws(ConfigurationError) {
        let spelling = "--set \(assignment)"
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw ConfigurationError(
                kind: .malformed, place: .option(spelling), reason: "not of the form key=value",
                remedy: "write for example --set training.batch=100")
        }
        self.init(
            keyPath: String(assignment[..<equals]), value: String(assignment[assignment.index(after: equals)...]),
            spelling: spelling)
    }
}

extension ConfigurationNode {
    /// Replaces the value at the key path of `override`, and creates the sections above it.
    ///
    /// A section as a value (`training={epochs: 1, batch: 5}`) replaces the whole section. `data` has several
    /// formats: a key of one format removes the keys of the others, so `data.images=…` after `name: mnist` means files.
    /// Keys that go with every format stay.
    mutating func apply(_ override: ConfigurationOverride) throws(ConfigurationError) {
        let place = ConfigurationError.Place.option(override.spelling)
        let value = try ConfigurationNode(yaml: override.value) { _ in place }
        let keys = override.keyPath.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        try Self.check(keys, of: override.keyPath, place: place)
        try set(keys[...], below: "", to: value, place: place)
    }

    /// Checks that every key of the path is known.
    private static func check(
        _ keys: [String], of keyPath: String, place: ConfigurationError.Place
    ) throws(ConfigurationError) {
        var section = ""
        for key in keys {
            guard ConfigurationSchema.sections[section] != nil else {
                throw ConfigurationError(
                    kind: .unknownKey, place: place, keyPath: keyPath,
                    reason: "\(section) takes a value and has no keys of its own", remedy: "write \(section)=VALUE")
            }
            guard ConfigurationSchema.knows(key, in: section) else {
                throw ConfigurationSchema.unknownKey(key, in: section, place: place)
            }
            section = ConfigurationSchema.joined(section, key)
        }
    }

    private mutating func set(
        _ keys: ArraySlice<String>, below path: String, to value: ConfigurationNode, place: ConfigurationError.Place
    ) throws(ConfigurationError) {
        guard let key = keys.first else {
            self = value
            return
        }
        var entries: [Entry]
        switch content {
        case .mapping(let present): entries = present
        case _ where isNull: entries = []
        default:
            throw ConfigurationError(
                kind: .wrongType, place: self.place, keyPath: path,
                reason: "\(path) is \(summary), not a group of keys, so \(place) has no place in it",
                remedy: "correct it first")
        }
        if let choice = ConfigurationSchema.flatChoices[path] {
            let (kinds, others) = (
                choice.kinds.filter { $0.hasKey(named: key) }, choice.kinds.filter { !$0.hasKey(named: key) }
            )
            if !kinds.isEmpty {
                entries.removeAll { entry in
                    others.contains { $0.hasKey(named: entry.key) } && !kinds.contains { $0.hasKey(named: entry.key) }
                }
            }
        }
        let inner = ConfigurationSchema.joined(path, key)
        let current = ConfigurationSchema.current(inner)
        if let index = entries.firstIndex(where: {
            ConfigurationSchema.current(ConfigurationSchema.joined(path, $0.key)) == current
        }) {
            // Errors name the key as the command line spells it.
            entries[index].key = key
            try entries[index].value.set(keys.dropFirst(), below: inner, to: value, place: place)
            if keys.count == 1 { entries[index].keyPlace = place }
        } else {
            var new = ConfigurationNode(content: .mapping([]), place: place)
            try new.set(keys.dropFirst(), below: inner, to: value, place: place)
            entries.append(Entry(key: key, keyPlace: place, value: new))
        }
        content = .mapping(entries)
    }
}

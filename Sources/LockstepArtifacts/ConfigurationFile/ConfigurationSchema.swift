import LockstepConfiguration
import LockstepSystem
import LockstepText
import LockstepTraining

/// The tree of sections and keys that follows from the table of keys.
enum ConfigurationSchema {
    typealias Key = ConfigurationKey<RunConfiguration>
    typealias Choice = ConfigurationChoice<RunConfiguration>

    /// The names of each section's keys, by the section's path; the empty path is the file itself.
    static let sections: [String: [String]] = {
        var sections: [String: [String]] = [:]
        func addSection(_ path: String) {
            guard !path.isEmpty, sections[path] == nil else { return }
            sections[path] = []
            let (parent, name) = split(path)
            addSection(parent)
            sections[parent, default: []].append(name)
        }
        for entry in RunConfiguration.entries {
            if case .choice(let choice) = entry, choice.style == .nested {
                for kind in choice.kinds { addSection(joined(choice.path, kind.name)) }
            }
            for key in keys(of: entry) {
                let (parent, name) = split(key.path)
                addSection(parent)
                // A name that two kinds share has its place among the keys of the second.
                sections[parent, default: []].removeAll { $0 == name }
                sections[parent, default: []].append(name)
            }
        }
        return sections
    }()

    /// The current paths of keys, by their paths with an older name.
    private static let aliases: [String: String] = Dictionary(
        RunConfiguration.keys.flatMap { key in
            key.aliases.map { (joined(split(key.path).section, $0), key.path) }
        }
    ) { first, _ in first }

    /// The sections whose keys belong to kinds that exclude each other, by path.
    static let flatChoices: [String: Choice] = {
        var choices: [String: Choice] = [:]
        for case .choice(let choice) in RunConfiguration.entries where choice.style == .flat {
            choices[choice.path] = choice
        }
        return choices
    }()

    /// Whether a word names a kind without settings, as in `schedule: constant`.
    static func isKindWithoutKeys(_ word: String, of section: String) -> Bool {
        sections[joined(section, word)]?.isEmpty == true
    }

    static func keys(of entry: RunConfiguration.Entry) -> [Key] {
        switch entry {
        case .key(let key): [key]
        case .choice(let choice): choice.kinds.flatMap(\.keys)
        }
    }

    /// The current path of a key; differs from `path` if that has an older name.
    static func current(_ path: String) -> String { aliases[path] ?? path }

    /// Whether a section has a key of this name, new or old.
    static func knows(_ name: String, in section: String) -> Bool {
        sections[section, default: []].contains(split(current(joined(section, name))).name)
    }

    /// The error for a key that its section does not know, with the key that was probably meant.
    static func unknownKey(_ key: String, in section: String, place: ConfigurationError.Place) -> ConfigurationError {
        let known = sections[section] ?? []
        let remedy: String
        if let near = suggestion(for: key, among: known) {
            remedy = "did you mean '\(near)'?"
        } else if let home = sections.keys.filter({ knows(key, in: $0) }).min() {
            remedy = "it belongs " + (home.isEmpty ? "at the top level" : "in \(home)")
        } else {
            remedy = knownText(known)
        }
        return ConfigurationError(
            kind: .unknownKey, place: place, keyPath: joined(section, key),
            reason: "unknown key '\(key.printable)'" + (section.isEmpty ? "" : " in \(section)"), remedy: remedy)
    }

    /// `optimizer` and `sgd` make `optimizer.sgd`.
    static func joined(_ section: String, _ key: String) -> String {
        section.isEmpty ? key : "\(section).\(key)"
    }

    /// `optimizer.sgd` is `sgd` in `optimizer`.
    static func split(_ path: String) -> (section: String, name: String) {
        guard let dot = path.lastIndex(of: ".") else { return ("", path) }
        return (String(path[..<dot]), String(path[path.index(after: dot)...]))
    }
}

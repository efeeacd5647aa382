/// A part of the configuration that knows its defaults: one section, the options of one optimizer, or the whole.
package protocol ConfigurationGroup: Sendable {
    /// The values where the configuration says nothing; a required key has a placeholder here.
    static var defaults: Self { get }
}

/// One key of the configuration.
///
/// A row of the table that everything about keys is a loop over: reading and writing YAML, `--print-config`, the
/// suggestion for a misspelt key, the comparison that `--resume` makes, the check of a welcome, and the table in the
/// documentation. A row is declared next to the property that it sets, so a new key is one place.
package struct ConfigurationKey<Owner>: Sendable {
    /// The sections above the key and its own name, joined by dots: `training.epochs`.
    package let path: String
    /// Older names of the key, which are still read.
    package let aliases: [String]
    /// Its type and limits, in Markdown.
    package let limits: String
    /// The unit of a number, such as seconds; nil if it has none.
    package let unit: String?
    /// What the value does, as one phrase in Markdown.
    package let meaning: String
    /// An example, for the error if the key is missing; nil if the key has a default.
    package let example: String?
    /// The default, in Markdown; nil if the key is required.
    package let defaultText: String?
    package let onResume: ResumeRule
    package let alternative: KeyAlternative?

    private let parse: @Sendable (ConfigurationValue, inout Owner) throws(ConfigurationProblem) -> Void
    private let text: @Sendable (Owner) -> ConfigurationValue?
    private let range: @Sendable (Owner) -> String?
    private let rule: @Sendable (Owner) -> String?
    private let fault: @Sendable (Owner) -> ConfigurationFault?
    private let applies: @Sendable (Owner) -> Bool
}

/// A key of the same section that may stand in place of a required one.
package struct KeyAlternative: Sendable {
    package let name: String
    /// The key that goes with the alternative alone: where it is given, the alternative is what is missing.
    package let companion: String
    /// An example, for the error if the alternative is missing.
    package let example: String

    package init(_ name: String, with companion: String, example: String) {
        self.name = name
        self.companion = companion
        self.example = example
    }
}

/// What is wrong with the value of a key, as a sentence of its own.
package struct ConfigurationFault: Hashable, Sendable {
    /// The element of the list that is wrong, counted from 0; nil: the value as a whole.
    package let element: Int?
    /// The thing, the reason and the remedy: "network.layers[1]: conv has ...: give ...".
    package let text: String

    package init(element: Int? = nil, _ text: String) {
        self.element = element
        self.text = text
    }
}

/// What a resumed run requires of a key.
package enum ResumeRule: Sendable {
    /// The weights depend on the value: it must be the run's.
    case mustMatch
    /// The weights do not depend on the value.
    case mayChange
    /// As `mayChange`, unless the schedule of the learning rate is stretched over all epochs.
    case mayChangeUnlessScheduleSpansRun
    /// As `mayChange`, unless the schedule of the learning rate follows the evaluations.
    case mayChangeUnlessScheduleFollowsValidation
    /// As `mustMatch`; where the new configuration leaves the key out, the run's value stands.
    case keepsRunValue
    /// The value says where data lies, which may move: its digest must be the run's.
    case mayMove
}

extension ConfigurationKey where Owner: ConfigurationGroup {
    /// - Parameters:
    ///   - name: The key's own name.
    ///   - aliases: Older names, which are still read.
    ///   - property: Where the value is kept.
    ///   - format: How the value is written, and its limits.
    ///   - example: For a required key, an example for the error if it is missing.
    ///   - note: The default in words, if it depends on other values.
    ///   - unit: The unit of a number.
    ///   - meaning: What the value does.
    ///   - onResume: What a resumed run requires.
    ///   - alternative: For a required key, the key that may stand in its place.
    ///   - applies: Whether the key means anything; where it does not, it is not written.
    ///   - rule: Returns what the value requires of other keys and does not find, as in "needs a momentum", or nil.
    ///   - fault: Returns what is wrong with the value if that takes a sentence of its own, or nil.
    package init<Value>(
        _ name: String, aliases: [String] = [], _ property: any WritableKeyPath<Owner, Value> & Sendable,
        _ format: KeyFormat<Value>, example: String? = nil, default note: String? = nil, unit: String? = nil,
        _ meaning: String, onResume: ResumeRule = .mustMatch, alternative: KeyAlternative? = nil,
        applies: @escaping @Sendable (Owner) -> Bool = { _ in true },
        rule: @escaping @Sendable (Owner) -> String? = { _ in nil },
        fault: @escaping @Sendable (Owner) -> ConfigurationFault? = { _ in nil }
    ) {
        let value = format.text(Owner.defaults[keyPath: property]).map { "`\($0.flowText)`" }
        self.init(
            path: name, aliases: aliases, limits: format.limits, unit: unit, meaning: meaning, example: example,
            defaultText: example == nil ? note ?? value ?? "" : nil, onResume: onResume, alternative: alternative,
            parse: { (text, owner) throws(ConfigurationProblem) in owner[keyPath: property] = try format.parse(text) },
            text: { format.text($0[keyPath: property]) }, range: { format.violation($0[keyPath: property]) },
            rule: rule, fault: fault, applies: applies)
    }
}

extension ConfigurationKey {
    /// The key as one of `Root`, which has `Owner` as its section `section`.
    package func within<Root>(
        _ section: String, get: @escaping @Sendable (Root) -> Owner?,
        set: @escaping @Sendable (inout Root, Owner) -> Void
    ) -> ConfigurationKey<Root> {
        ConfigurationKey<Root>(
            path: "\(section).\(path)", aliases: aliases, limits: limits, unit: unit, meaning: meaning,
            example: example, defaultText: defaultText, onResume: onResume, alternative: alternative,
            parse: { (text, root) throws(ConfigurationProblem) in
                guard var owner = get(root) else { return }
                try parse(text, &owner)
                set(&root, owner)
            },
            text: { get($0).flatMap(text) }, range: { get($0).flatMap(range) }, rule: { get($0).flatMap(rule) },
            fault: { get($0).flatMap(fault) }, applies: { get($0).map(applies) ?? true })
    }

    /// The key's own name: `epochs` of `training.epochs`.
    package var name: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// The path by which checkpoints know the key: its first name, so that a new name leaves old runs as they are.
    package var firstPath: String {
        guard let first = aliases.last else { return path }
        return path.dropLast(name.count) + first
    }

    /// Reads the value into its place.
    package func read(_ value: ConfigurationValue, into owner: inout Owner) throws(ConfigurationProblem) {
        try parse(value, &owner)
    }

    /// The value, as the configuration says it; nil if it is absent.
    package func value(in owner: Owner) -> ConfigurationValue? { applies(owner) ? text(owner) : nil }

    /// Whether the key means anything beside the other values.
    package func isApplicable(in owner: Owner) -> Bool { applies(owner) }

    /// The limit that the value breaks, as in "must be from 1 to 10"; nil if the value is possible.
    package func brokenLimit(in owner: Owner) -> String? { range(owner) }

    /// What the value requires of other keys and does not find, as in "needs a momentum"; nil if all is well.
    package func brokenRule(in owner: Owner) -> String? { rule(owner) }

    /// What is wrong with the value, as a sentence of its own; nil if all is well.
    package func fault(in owner: Owner) -> ConfigurationFault? { fault(owner) }
}

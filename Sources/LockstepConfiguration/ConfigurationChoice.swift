/// A section that describes one of several kinds.
package struct ConfigurationChoice<Root>: Sendable {
    /// Where the kinds' keys are.
    package enum Style: Sendable {
        /// In a section of the kind's name: `optimizer.sgd.momentum`.
        case nested
        /// In the section itself, where the first key of each kind tells it from the others: `data.csv`.
        case flat
    }

    /// One kind.
    package struct Kind: Sendable {
        package let name: String
        package let keys: [ConfigurationKey<Root>]
        /// Which keys to give for this kind.
        package let advice: String
        /// Replaces the value by this kind with its defaults.
        package let select: @Sendable (inout Root) -> Void
        /// Whether the value is of this kind.
        package let isSelected: @Sendable (Root) -> Bool

        /// Whether a key of the kind has this name, without the sections above it.
        package func hasKey(named name: String) -> Bool { keys.contains { $0.name == name } }
    }

    package let path: String
    package let style: Style
    /// An example, for the error if the section is empty.
    package let example: String
    /// Whether the section must be there.
    package let isRequired: Bool
    package let kinds: [Kind]

    /// - Parameters:
    ///   - path: The section.
    ///   - property: Where the value is kept.
    ///   - style: Where the kinds' keys are.
    ///   - isRequired: Whether the section must be there.
    ///   - example: An example, for the error if the section is empty.
    package init<Value: ConfigurationKinds>(
        _ path: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ style: Style,
        isRequired: Bool = true,
        example: String
    ) {
        self.path = path
        self.style = style
        self.example = example
        self.isRequired = isRequired
        self.kinds = Value.all.map { Self.kind($0, path, property, style) }
    }

    private static func kind<Value: ConfigurationKinds, Chosen: ConfigurationKind>(
        _ type: Chosen.Type, _ path: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ style: Style
    ) -> Kind {
        let section = style == .nested ? "\(path).\(type.name)" : path
        let set: @Sendable (inout Root, Chosen) -> Void = { root, value in
            if let value = Value(kind: value) { root[keyPath: property] = value }
        }
        return Kind(
            name: type.name,
            keys: type.keys.map { $0.within(section, get: { $0[keyPath: property].kind as? Chosen }, set: set) },
            advice: type.advice, select: { set(&$0, Chosen.defaults) },
            isSelected: { $0[keyPath: property].kind is Chosen })
    }
}

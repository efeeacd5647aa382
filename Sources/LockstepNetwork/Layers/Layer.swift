package import LockstepConfiguration

/// A layer of a network, of one of several kinds.
package struct Layer: ConfigurationKinds {
    /// The registry: a row for each kind.
    package static let kinds: [any LayerKind.Type] = [
        DenseLayer.self, ConvolutionLayer.self, MaxPoolLayer.self, AveragePoolLayer.self, GlobalAveragePoolLayer.self,
        ActivationLayer.self, DropoutLayer.self, FlattenLayer.self, LayerNormLayer.self, GroupNormLayer.self,
    ]

    package static var all: [any ConfigurationKind.Type] { kinds }

    package let layer: any LayerKind

    package var kind: any ConfigurationKind { layer }

    package init(_ layer: any LayerKind) {
        self.layer = layer
    }

    package init?(kind: any ConfigurationKind) {
        guard let layer = kind as? any LayerKind else { return nil }
        self.layer = layer
    }
}

extension Layer {
    /// How a layer is written: `relu`, `flatten`, `{ dense: 10 }` or `{ conv: { filters: 32, size: 3 } }`.
    package static let format = KeyFormat<Layer>(
        limits: "`" + words.joined(separator: "`, `") + "`", parse: read, text: { $0.value },
        violation: { brokenLimit(of: $0.layer) })

    /// The words that begin a layer.
    private static var words: [String] {
        kinds.flatMap { kind in
            kind == ActivationLayer.self ? Activation.allCases.map(\.rawValue) : [kind.name]
        }
    }

    /// The layer as the configuration says it.
    private var value: ConfigurationValue { Self.value(of: layer) }

    private static func value<Kind: LayerKind>(of layer: Kind) -> ConfigurationValue {
        if let activation = layer as? ActivationLayer {
            return .scalar(activation.function.rawValue, isPlain: true)
        }
        let entries = Kind.keys.compactMap { key in
            key.value(in: layer).map { ConfigurationValue.Entry(key: key.name, value: $0) }
        }
        if entries.isEmpty { return .scalar(Kind.name, isPlain: true) }
        if entries.count == 1, entries[0].key == Kind.shortKey {
            return .group([ConfigurationValue.Entry(key: Kind.name, value: entries[0].value)])
        }
        return .group([ConfigurationValue.Entry(key: Kind.name, value: .group(entries))])
    }

    private static func read(_ value: ConfigurationValue) throws(ConfigurationProblem) -> Layer {
        switch value {
        case .scalar(let word, _):
            if let function = Activation(rawValue: word) { return Layer(ActivationLayer(function)) }
            return Layer(try read(kind(named: word), nil))
        case .group(let entries) where entries.count == 1:
            guard let function = Activation(rawValue: entries[0].key) else {
                return Layer(try read(kind(named: entries[0].key), entries[0].value))
            }
            guard entries[0].value == .group([]) || entries[0].value == .scalar("", isPlain: true) else {
                throw .entry(function.rawValue, .wrongType(expected: "left out"))
            }
            return Layer(ActivationLayer(function))
        default:
            throw .wrongType(expected: "a layer, such as relu or { dense: 10 }")
        }
    }

    private static func kind(named word: String) throws(ConfigurationProblem) -> any LayerKind.Type {
        guard let kind = kinds.first(where: { $0.name == word }) else { throw .unknownWord(word, known: words) }
        return kind
    }

    /// Reads the settings of a layer: a group of keys, or the value of the kind's main key.
    private static func read<Kind: LayerKind>(
        _ kind: Kind.Type, _ settings: ConfigurationValue?
    ) throws(ConfigurationProblem) -> any LayerKind {
        var layer = Kind.defaults
        var given: [ConfigurationValue.Entry]
        switch settings {
        case nil: given = []
        case .group(let entries): given = entries
        case .scalar("", isPlain: true): given = []
        case .some(let value):
            guard let main = Kind.shortKey else {
                throw .entry(
                    Kind.name, .wrongType(expected: Kind.keys.isEmpty ? "left out" : Self.expectedKeys(of: kind)))
            }
            given = [ConfigurationValue.Entry(key: main, value: value)]
        }
        let isShort = Kind.shortKey != nil && !given.isEmpty && settings != .group(given)
        for entry in given where !Kind.keys.contains(where: { $0.name == entry.key }) {
            throw .entry(Kind.name, .unknownKey(entry.key, known: Kind.keys.map(\.name)))
        }
        for key in Kind.keys {
            guard let entry = given.first(where: { $0.key == key.name }) else {
                if let example = key.example {
                    throw .entry(Kind.name, .missingKey(key.name, example: example))
                }
                continue
            }
            do throws(ConfigurationProblem) {
                try key.read(entry.value, into: &layer)
            } catch {
                throw .entry(Kind.name, isShort ? error : .entry(key.name, error))
            }
        }
        return layer
    }

    /// "a group of keys, as in { filters: 32, size: 3 }", with the keys that must be there.
    private static func expectedKeys<Kind: LayerKind>(of kind: Kind.Type) -> String {
        let needed = Kind.keys.compactMap { key in key.example.map { "\(key.name): \($0)" } }
        return "a group of keys, as in { \(needed.joined(separator: ", ")) }"
    }

    /// The kind's name in the configuration, or the activation's.
    package var kindName: String {
        (layer as? ActivationLayer)?.function.rawValue ?? type(of: layer).name
    }

    /// The layer in a word or two: `conv 32`.
    package var summary: String {
        guard case .group(let entries) = value, let settings = entries.first?.value else { return kindName }
        if case .group(let keys) = settings { return "\(kindName) \(keys.first?.value.flowText ?? "")" }
        return "\(kindName) \(settings.flowText)"
    }

    /// The limit that a layer's setting breaks; nil if all are possible. Layers arrive from other processes, too.
    private static func brokenLimit<Kind: LayerKind>(of layer: Kind) -> String? {
        for key in Kind.keys {
            if let rule = key.brokenLimit(in: layer) ?? key.brokenRule(in: layer) {
                return "has a \(Kind.name) layer whose \(key.name) \(rule)"
            }
        }
        return nil
    }
}

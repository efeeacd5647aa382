/// One of several kinds that a section can describe, with the options of that kind: SGD, one-cycle, a pickle.
///
/// A kind is one file, and one row of its registry, which is ``ConfigurationKinds/all`` of the optimizers, the schedules or
/// the data formats. The reader, the writer, the comparison, the documentation and the welcome find it there.
package protocol ConfigurationKind: ConfigurationGroup, Codable, Hashable {
    /// Its name in the configuration.
    static var name: String { get }
    /// Its keys, in the order in which they are written.
    static var keys: [ConfigurationKey<Self>] { get }
    /// Which keys to give for this kind, as in "give a data set's name or files, not both".
    static var advice: String { get }
}

extension ConfigurationKind {
    package static var advice: String { keys.map(\.name).joined(separator: ", ") }

    /// Whether another value has the same kind and the same options.
    fileprivate func equals(_ other: any ConfigurationKind) -> Bool { other as? Self == self }
}

/// A value of one of several kinds.
///
/// As JSON it is an object with one key, the kind's name.
package protocol ConfigurationKinds: Codable, Hashable, Sendable {
    /// The registry: a row for each kind.
    static var all: [any ConfigurationKind.Type] { get }

    /// The value.
    var kind: any ConfigurationKind { get }

    /// - Parameter kind: The value; nil results where it is no kind of this registry.
    init?(kind: any ConfigurationKind)
}

extension ConfigurationKinds {
    package static func == (left: Self, right: Self) -> Bool { left.hasKind(of: right) }

    package func hash(into hasher: inout Hasher) { kind.hash(into: &hasher) }

    package func encode(to encoder: any Encoder) throws { try encodeKind(to: encoder) }

    package init(from decoder: any Decoder) throws { self = try Self.decodeKind(from: decoder) }

    /// Whether another value has the same kind with the same options.
    package func hasKind(of other: Self) -> Bool { kind.equals(other.kind) }

    /// Writes the kind's name and its options.
    package func encodeKind(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: KindName.self)
        try container.encode(kind, forKey: KindName(stringValue: type(of: kind).name))
    }

    /// Reads what ``encodeKind(to:)`` has written.
    package static func decodeKind(from decoder: any Decoder) throws -> Self {
        let container = try decoder.container(keyedBy: KindName.self)
        for kind in all where container.contains(KindName(stringValue: kind.name)) {
            let value = try container.decode(kind, forKey: KindName(stringValue: kind.name))
            if let result = Self(kind: value) { return result }
        }
        throw DecodingError.dataCorrupted(
            DecodingError.Context(codingPath: container.codingPath, debugDescription: "no known kind"))
    }
}

/// The name of a kind as a key of JSON.
private struct KindName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}

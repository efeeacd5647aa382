import Foundation
import LockstepText

/// An optional value that is written as null where it is absent, so that its key is always there.
@propertyWrapper
package struct OrNull<Value: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    package var wrappedValue: Value?

    package init(wrappedValue: Value?) {
        self.wrappedValue = wrappedValue
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}

extension KeyedDecodingContainer {
    /// A key that an older version did not write is read as null.
    func decode<Value>(_ type: OrNull<Value>.Type, forKey key: Key) throws -> OrNull<Value> {
        try decodeIfPresent(type, forKey: key) ?? OrNull(wrappedValue: nil)
    }
}

extension Double {
    /// The number, or nil for infinities and not-a-number, which JSON does not have.
    var ifFinite: Double? { isFinite ? self : nil }
}

/// A value as JSON text, on one line or indented.
package func jsonText(_ value: some Encodable, indented: Bool = false, path: String) throws(ArtifactError) -> String {
    do {
        return try JSONEncoder.sorted(indented: indented).text(value) + "\n"
    } catch {
        throw .malformed(path: path, reason: "cannot be encoded as JSON: \(error)", remedy: nil)
    }
}

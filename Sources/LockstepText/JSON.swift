package import Foundation

extension JSONEncoder {
    /// An encoder that writes keys in alphabetical order, so that equal values have equal bytes.
    ///
    /// - Parameters:
    ///   - indented: Whether the JSON has line breaks and indentation.
    ///   - inSnakeCase: Whether `stepSeconds` becomes the key `step_seconds`.
    /// - Returns: The encoder.
    package static func sorted(indented: Bool = false, inSnakeCase: Bool = false) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if indented { encoder.outputFormatting.insert(.prettyPrinted) }
        if inSnakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
        return encoder
    }

    /// A value as text.
    ///
    /// - Throws: `EncodingError`, for instance for an infinite number, which JSON does not have.
    package func text(_ value: some Encodable) throws -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }
}

package import ZeroMQ

/// The text of a key file. Each line has a key, which a space and a comment may follow. Empty lines and lines that
/// start with "# " are ignored. (A key itself may start with `#`.)
///
/// The functions are total: any bytes result in keys or an error.
package enum KeyText {
    /// The most bytes of a key file.
    package static let maximumBytes = 1 << 20
    /// The most keys of an allow-list.
    package static let maximumKeys = 10_000

    /// Why a text is not a valid key file.
    package enum Fault: Error, Equatable, Sendable {
        case notText
        case notAKey(line: Int, characters: Int)
        case keyCount(Int)
        case tooManyKeys
    }

    /// Reads a file with one public key.
    package static func publicKey(_ bytes: [UInt8]) throws(Fault) -> CurvePublicKey {
        let (line, text) = try single(bytes)
        guard let key = CurvePublicKey(text: text) else { throw .notAKey(line: line, characters: text.utf8.count) }
        return key
    }

    /// Reads a file with one secret key.
    package static func secretKey(_ bytes: [UInt8]) throws(Fault) -> CurveSecretKey {
        let (line, text) = try single(bytes)
        guard let key = CurveSecretKey(text: text) else { throw .notAKey(line: line, characters: text.utf8.count) }
        return key
    }

    /// Reads an allow-list. With an empty list no worker is admitted.
    package static func allowList(_ bytes: [UInt8]) throws(Fault) -> Set<CurvePublicKey> {
        var keys = Set<CurvePublicKey>()
        for (line, text) in try words(bytes) {
            guard let key = CurvePublicKey(text: text) else { throw .notAKey(line: line, characters: text.utf8.count) }
            keys.insert(key)
            guard keys.count <= maximumKeys else { throw .tooManyKeys }
        }
        return keys
    }

    private static func single(_ bytes: [UInt8]) throws(Fault) -> (line: Int, text: String) {
        let words = try words(bytes)
        guard let word = words.first, words.count == 1 else { throw .keyCount(words.count) }
        return word
    }

    /// The first word of each line that is not a comment, with the line's number from 1.
    private static func words(_ bytes: [UInt8]) throws(Fault) -> [(line: Int, text: String)] {
        var words: [(line: Int, text: String)] = []
        let newline = UInt8(ascii: "\n")
        for (index, line) in bytes.split(separator: newline, omittingEmptySubsequences: false).enumerated() {
            let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let word = content.split(whereSeparator: isBlank).first else { continue }
            if word.elementsEqual([UInt8(ascii: "#")]) { continue }
            guard let text = String(validating: word, as: UTF8.self) else { throw .notText }
            words.append((index + 1, text))
        }
        return words
    }
}

import LockstepConfiguration
package import LockstepTraining

extension ConfigurationFile {
    /// The whole configuration with all defaults written out; reading it back gives an equal value.
    package static func yaml(of configuration: RunConfiguration) -> String {
        var text = ""
        var open: [Substring] = []
        for (path, value) in configuration.values {
            let parts = path.split(separator: ".")
            let common = zip(open, parts.dropLast()).prefix { $0 == $1 }.count
            for depth in common..<parts.count - 1 { text += "\(indentation(depth))\(parts[depth]):\n" }
            open = Array(parts.dropLast())
            text += "\(indentation(open.count))\(parts[open.count]): \(yaml(of: value))\n"
        }
        return text
    }

    private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static func yaml(of value: ConfigurationValue) -> String {
        switch value {
        case .scalar(let text, isPlain: true): text
        case .scalar(let text, isPlain: false): scalar(text)
        case .list(let elements): "[" + elements.map(yaml).joined(separator: ", ") + "]"
        case .group(let entries):
            "{ " + entries.map { "\(scalar($0.key)): \(yaml(of: $0.value))" }.joined(separator: ", ") + " }"
        }
    }

    /// `text` as it is where every YAML reader takes it for a text, else in double quotes (YAML 1.2.2, section 7.3.1).
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.first.map(isLetterOrSlash) == true
            && text.utf8.allSatisfy { isLetterOrSlash($0) || "0123456789._-".utf8.contains($0) }
            && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
        return isPlain ? text : "\"" + text.unicodeScalars.map(escaped).joined() + "\""
    }

    private static func isLetterOrSlash(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "/")
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x22: "\\\""
        case 0x5C: "\\\\"
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD: String(scalar)
        default: "\\U" + hexadecimal(scalar.value)
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

extension RunConfiguration {
    /// Each key that has a value, by its path, in the order of the table.
    var values: [(path: String, value: ConfigurationValue)] {
        Self.entries.flatMap { entry -> [(path: String, value: ConfigurationValue)] in
            switch entry {
            case .key(let key):
                return key.value(in: self).map { [(key.path, $0)] } ?? []
            case .choice(let choice):
                guard let kind = choice.kinds.first(where: { $0.isSelected(self) }) else { return [] }
                if kind.keys.isEmpty { return [(choice.path, .scalar(kind.name, isPlain: true))] }
                return kind.keys.compactMap { key in key.value(in: self).map { (key.path, $0) } }
            }
        }
    }
}

import LockstepText

/// How the values of a key are written, and which of them are possible.
package struct KeyFormat<Value>: Sendable {
    /// Type and limits for the documentation, in Markdown.
    let limits: String
    /// Reads a value, limits included.
    let parse: @Sendable (ConfigurationValue) throws(ConfigurationProblem) -> Value
    /// Writes a value; nil: the key is left out.
    let text: @Sendable (Value) -> ConfigurationValue?
    /// The limit that a value breaks, as in "must be from 1 to 10".
    let violation: @Sendable (Value) -> String?

    /// - Parameters:
    ///   - limits: Type and limits for the documentation.
    ///   - expected: The type, as in "must be a whole number".
    ///   - read: The value of a text, written plain or in quotes; nil if it has another type; throws what is
    ///     impossible about it.
    ///   - write: The text of a value.
    ///   - violation: The limit that a value breaks.
    package init(
        limits: String, expected: String,
        read: @escaping @Sendable (_ text: String, _ isPlain: Bool) throws(ConfigurationProblem) -> Value?,
        write: @escaping @Sendable (Value) -> ConfigurationValue?,
        violation: @escaping @Sendable (Value) -> String? = { _ in nil }
    ) {
        self.init(
            limits: limits,
            parse: { (value) throws(ConfigurationProblem) in
                guard case .scalar(let text, let isPlain) = value, let result = try read(text, isPlain) else {
                    throw .wrongType(expected: expected)
                }
                if let rule = violation(result) { throw .impossible(rule: rule) }
                return result
            },
            text: write, violation: violation)
    }

    /// - Parameters:
    ///   - limits: Type and limits for the documentation.
    ///   - parse: Reads a value, limits included.
    ///   - text: Writes a value; nil: the key is left out.
    ///   - violation: The limit that a value breaks.
    package init(
        limits: String, parse: @escaping @Sendable (ConfigurationValue) throws(ConfigurationProblem) -> Value,
        text: @escaping @Sendable (Value) -> ConfigurationValue?, violation: @escaping @Sendable (Value) -> String?
    ) {
        self.limits = limits
        self.parse = parse
        self.text = text
        self.violation = violation
    }

    /// The same values, or none: then the key is left out.
    package var optional: KeyFormat<Value?> {
        KeyFormat<Value?>(
            limits: limits, parse: parse, text: { $0.flatMap(text) }, violation: { $0.flatMap(violation) })
    }

    /// The same texts for values of another type.
    ///
    /// - Parameters:
    ///   - expected: What values it can have, as in "must be a number or two".
    ///   - forward: The other value; nil results for values that it cannot have.
    ///   - backward: The value that is written.
    /// - Returns: The format of the other type.
    package func mapped<Other>(
        expected: String, _ forward: @escaping @Sendable (Value) -> Other?,
        back backward: @escaping @Sendable (Other) -> Value
    ) -> KeyFormat<Other> {
        KeyFormat<Other>(
            limits: limits,
            parse: { (value) throws(ConfigurationProblem) in
                guard let other = forward(try parse(value)) else { throw .wrongType(expected: expected) }
                return other
            },
            text: { text(backward($0)) }, violation: { violation(backward($0)) })
    }

    /// Lists of such values; a value alone is read and written in place of a list of one.
    package func oneOrMore(limits: String, expected: String) -> KeyFormat<[Value]> {
        let list = list(limits: limits, expected: expected)
        return KeyFormat<[Value]>(
            limits: limits,
            parse: { (value) throws(ConfigurationProblem) in
                if case .list = value { return try list.parse(value) }
                do throws(ConfigurationProblem) {
                    return [try parse(value)]
                } catch .wrongType {
                    throw .wrongType(expected: expected)
                }
            },
            text: { $0.count == 1 ? text($0[0]) : list.text($0) }, violation: list.violation)
    }

    /// Lists of such values.
    package func list(limits: String, expected: String) -> KeyFormat<[Value]> {
        KeyFormat<[Value]>(
            limits: limits,
            parse: { (value) throws(ConfigurationProblem) in
                guard case .list(let elements) = value else { throw .wrongType(expected: expected) }
                var result: [Value] = []
                for (index, element) in elements.enumerated() {
                    do throws(ConfigurationProblem) {
                        result.append(try parse(element))
                    } catch {
                        throw .element(index, error)
                    }
                }
                return result
            },
            text: { .list($0.compactMap(text)) }, violation: { $0.lazy.compactMap(violation).first })
    }
}

// MARK: - Numbers

extension KeyFormat<Int> {
    /// A whole number.
    package static func integer(_ range: ClosedRange<Int>) -> KeyFormat {
        KeyFormat(
            limits: "\(grouped(range.lowerBound)) to \(grouped(range.upperBound))", expected: "a whole number",
            // A number of too many digits has the right type and is out of range.
            read: { text, isPlain in
                isPlain && ConfigurationNumber.isWhole(text) ? Int(text) ?? (text.hasPrefix("-") ? .min : .max) : nil
            },
            write: { .scalar("\($0)", isPlain: true) },
            violation: { range.contains($0) ? nil : "must be from \(range.lowerBound) to \(range.upperBound)" })
    }
}

extension KeyFormat<UInt64> {
    /// A whole number of 64 bits.
    package static var seed: KeyFormat {
        KeyFormat(
            limits: "0 to 2⁶⁴ - 1", expected: "a whole number",
            read: { (text, isPlain) throws(ConfigurationProblem) in
                guard isPlain, ConfigurationNumber.isWhole(text) else { return nil }
                guard let number = UInt64(text) else { throw .impossible(rule: "must be from 0 to \(UInt64.max)") }
                return number
            },
            write: { .scalar("\($0)", isPlain: true) })
    }
}

extension KeyFormat<Double> {
    /// A number from the lower bound of `range` up to its upper bound, which is excluded.
    package static func number(_ range: Range<Double>) -> KeyFormat {
        KeyFormat(
            limits:
                "\(ConfigurationNumber.short(range.lowerBound)) to below \(ConfigurationNumber.short(range.upperBound))",
            expected: "a number",
            read: { text, isPlain in isPlain ? ConfigurationNumber.decimal(text) : nil },
            write: { .scalar("\($0)", isPlain: true) },
            violation: {
                range.contains($0) ? nil : "must be at least \(range.lowerBound) and less than \(range.upperBound)"
            })
    }

    /// A finite number greater than 0.
    package static func positive(atMost limit: Double = .greatestFiniteMagnitude) -> KeyFormat {
        KeyFormat(
            limits: "above 0"
                + (limit == .greatestFiniteMagnitude ? "" : ", at most \(ConfigurationNumber.short(limit))"),
            expected: "a number", read: { text, isPlain in isPlain ? ConfigurationNumber.decimal(text) : nil },
            write: { .scalar("\($0)", isPlain: true) },
            violation: {
                guard $0.isFinite, $0 > 0 else { return "must be finite and greater than 0" }
                return $0 <= limit ? nil : "must be at most \(limit)"
            })
    }
}

// MARK: - Words and texts

extension KeyFormat<Bool> {
    /// `true` or `false`.
    package static var flag: KeyFormat {
        KeyFormat(
            limits: "`true`, `false`", expected: "true or false", read: { text, isPlain in isPlain ? Bool(text) : nil },
            write: { .scalar("\($0)", isPlain: true) })
    }
}

extension KeyFormat<String> {
    /// A text of at least one character.
    ///
    /// - Parameters:
    ///   - limits: For the documentation.
    ///   - violation: A limit that a text of a file breaks, as in "must be one line".
    /// - Returns: The format.
    package static func text(
        limits: String = "text", violation: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> KeyFormat {
        KeyFormat(
            limits: limits, expected: "a text", read: { text, _ in text },
            write: { .scalar($0, isPlain: false) },
            violation: { text in
                let isEmpty = text.isEmpty || text.utf8.contains(0)
                return isEmpty ? "must be a text of at least one character" : violation(text)
            })
    }

    /// The path of a file, from the working directory.
    package static var path: KeyFormat { .text(limits: "path") }
}

extension KeyFormat {
    /// One of a few words.
    ///
    /// - Parameters:
    ///   - words: Each with its value.
    ///   - formerly: Words of earlier versions, whose meaning is gone.
    ///   - write: The word of a value; nil: the key is left out.
    /// - Returns: The format.
    package static func word(
        _ words: [(word: String, value: Value)], formerly: [String] = [],
        write: @escaping @Sendable (Value) -> String?
    ) -> KeyFormat where Value: Sendable {
        let known = words.map(\.word)
        return KeyFormat(
            limits: known.map { "`\($0)`" }.joined(separator: ", "),
            parse: { (value) throws(ConfigurationProblem) in
                guard case .scalar(let text, _) = value else {
                    throw .wrongType(expected: known.joined(separator: ", "))
                }
                guard let entry = words.first(where: { $0.word == text }) else {
                    guard !formerly.contains(text) else {
                        throw .impossible(
                            rule:
                                "must be one of \(known.joined(separator: ", ")): \(text) belongs to an earlier version, "
                                + "whose results have other bits; start the run anew")
                    }
                    throw .unknownWord(text, known: known)
                }
                return entry.value
            },
            text: { write($0).map { .scalar($0, isPlain: true) } }, violation: { _ in nil })
    }
}

extension KeyFormat where Value: RawRepresentable<String> & CaseIterable & Sendable {
    /// One of the words of `Value`.
    package static var word: KeyFormat { .word(Value.allCases.map { ($0.rawValue, $0) }) { $0.rawValue } }
}

/// The texts of numbers in a configuration.
private enum ConfigurationNumber {
    /// Whether a text is a whole decimal number of any size.
    static func isWhole(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst(text.hasPrefix("-") || text.hasPrefix("+") ? 1 : 0)
        return !digits.isEmpty && digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// A decimal number, or one of YAML's words for infinities and not-a-number.
    static func decimal(_ text: String) -> Double? {
        switch text.lowercased() {
        case ".inf", "+.inf": return .infinity
        case "-.inf": return -.infinity
        case ".nan": return .nan
        default: break
        }
        // Double's own reader also takes hexadecimal numbers and words.
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }

    /// A limit without a needless fraction: 1, 0.5.
    static func short(_ limit: Double) -> String {
        Int(exactly: limit).map(grouped) ?? "\(limit)"
    }
}

import Foundation

/// A key of the configuration and the values that a sweep gives it: `--set training.batch=10,20` or `--set seed=1..5`.
package struct SweepParameter: Hashable, Sendable {
    /// The values of a key.
    enum Values: Hashable, Sendable {
        /// As YAML.
        case list([String])
        /// Any number between two, from which `--random` draws.
        case interval(Double, Double)
    }

    /// What is wrong with a parameter or a plan.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The path of the key.
    package let key: String
    let values: Values

    /// Integers of one range at most.
    private static let rangeLimit = 10_000

    /// Reads `key=value`, `key=value,value,...`, `key=1..5` or `key=0.01..10`.
    ///
    /// - Parameter assignment: The argument of `--set`. Commas inside brackets, braces and quotes belong to a value.
    /// - Throws: ``Failure`` if it is not of this form.
    package init(assignment: String) throws(Failure) {
        guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
            throw Failure(
                description: "--set \(assignment): not of the form key=value,value,...; write for example "
                    + "--set training.batch=10,20")
        }
        key = String(assignment[..<equals])
        let parts = Self.split(assignment[assignment.index(after: equals)...])
        if parts.count == 1, let (low, high) = Self.interval(parts[0]) {
            guard low < high else {
                throw Failure(description: "--set \(assignment): the range is empty; write the smaller number first")
            }
            values = .interval(low, high)
            return
        }
        var list: [String] = []
        for part in parts {
            guard !part.isEmpty else {
                throw Failure(description: "--set \(assignment): a value is missing between two commas; write it")
            }
            if let (low, high) = Self.range(part) {
                guard low <= high, high - low < Self.rangeLimit else {
                    throw Failure(
                        description: "--set \(assignment): \(part) is no range of 1 to \(Self.rangeLimit) whole "
                            + "numbers; write the smaller one first")
                }
                list += (low...high).map(String.init)
            } else {
                list.append(part)
            }
        }
        guard Set(list).count == list.count else {
            throw Failure(description: "--set \(assignment): a value is named twice; name each once")
        }
        values = .list(list)
    }

    /// The parts between commas that stand in no bracket, brace or quote, without spaces around them.
    private static func split(_ text: Substring) -> [String] {
        var parts: [String] = []
        var (part, depth, quote) = ("", 0, Character?.none)
        for character in text {
            if let open = quote {
                if character == open { quote = nil }
            } else {
                switch character {
                case "\"", "'": quote = character
                case "[", "{", "(": depth += 1
                case "]", "}", ")": depth -= 1
                case "," where depth == 0:
                    parts.append(trimmed(part))
                    part = ""
                    continue
                default: break
                }
            }
            part.append(character)
        }
        return parts + [trimmed(part)]
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func ends(_ text: String) -> (String, String)? {
        guard let dots = text.firstRange(of: "..") else { return nil }
        return (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
    }

    /// The whole numbers that `1..5` names.
    private static func range(_ text: String) -> (Int, Int)? {
        guard let ends = ends(text), let low = Int(ends.0), let high = Int(ends.1) else { return nil }
        let (difference, overflow) = high.subtractingReportingOverflow(low)
        return overflow || difference == .max ? (1, 0) : (low, high)
    }

    /// The numbers of `0.01..10`, of which one is not whole.
    private static func interval(_ text: String) -> (Double, Double)? {
        guard let ends = ends(text), Int(ends.0) == nil || Int(ends.1) == nil, let low = Double(ends.0),
            let high = Double(ends.1), low.isFinite, high.isFinite
        else { return nil }
        return (low, high)
    }
}

extension SweepParameter {
    /// How many values the key has; nil: any number between two.
    var count: Int? {
        switch values {
        case .list(let list): list.count
        case .interval: nil
        }
    }

    /// The value for a random number from 0 up to 1. An interval that spans a factor of ten and more is drawn from
    /// uniformly in its logarithm, as learning rates want it.
    func value(at fraction: Double) -> String {
        switch values {
        case .list(let list):
            return list[min(list.count - 1, Int(fraction * Double(list.count)))]
        case .interval(let low, let high):
            let value =
                low > 0 && high / low >= 10
                ? exp(log(low) + fraction * (log(high) - log(low)))
                : low + fraction * (high - low)
            return String(format: "%.3g", value)
        }
    }
}

import ArgumentParser
import LockstepText

/// `N` or `MIN:MAX`: two whole numbers, or one for both.
struct IntegerRange: ExpressibleByArgument, Hashable {
    let minimum: Int
    let maximum: Int

    init(_ minimum: Int, _ maximum: Int) {
        (self.minimum, self.maximum) = (minimum, maximum)
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1] else { return nil }
        self.init(first, last)
    }

    /// As people write it.
    var text: String { minimum == maximum ? "\(minimum)" : "\(minimum):\(maximum)" }

    /// Checks the order and the limits.
    ///
    /// - Parameters:
    ///   - limits: What both numbers must lie in.
    ///   - option: The option, for the error.
    ///   - noun: What is counted, in the plural, for the error.
    /// - Returns: The range.
    /// - Throws: `CommandError` that names the option and the limits.
    func checked(within limits: ClosedRange<Int>, option: String, noun: String) throws -> ClosedRange<Int> {
        guard minimum <= maximum else {
            throw CommandError(.usage, "\(option) \(text): the second number must not be below the first")
        }
        guard limits.contains(minimum), limits.contains(maximum) else {
            throw CommandError(
                .usage,
                "\(option) \(text): give \(grouped(limits.lowerBound)) to \(grouped(limits.upperBound)) \(noun)")
        }
        return minimum...maximum
    }
}

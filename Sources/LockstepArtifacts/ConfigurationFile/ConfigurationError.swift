import LockstepSystem
import LockstepText

/// A fault of a run configuration, on one line with the place, the reason and the remedy.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault, for exit statuses and tests.
    package enum Kind: Equatable, Sendable {
        /// The file cannot be opened or read.
        case unreadable
        /// The file is not text, too large, empty, or not YAML.
        case malformed
        case unknownKey, duplicateKey, missingKey
        /// For example a text instead of a number, or a value instead of keys.
        case wrongType
        /// A value of the right type that no run can have.
        case impossibleValue
    }

    /// Where the fault is.
    package enum Place: Equatable, Sendable, CustomStringConvertible {
        case file(String)
        case line(file: String, Int)
        /// An option, as it was typed: `--set training.batch=0`.
        case option(String)

        /// `config/mnist-30.yaml:7`, or the option.
        package var description: String {
            switch self {
            case .file(let name): name.printableName
            case .line(let name, let line): "\(name.printableName):\(line)"
            case .option(let text): text.printable
            }
        }
    }

    package var kind: Kind
    package var place: Place
    /// The key with the sections above it: `optimizer.sgd.learning-rate`.
    package var keyPath: String?
    package var reason: String
    package var remedy: String?

    package init(kind: Kind, place: Place, keyPath: String? = nil, reason: String, remedy: String? = nil) {
        self.kind = kind
        self.place = place
        self.keyPath = keyPath
        self.reason = reason
        self.remedy = remedy
    }

    /// `place: reason; remedy`.
    package var description: String {
        "\(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }
}

package import LockstepConfiguration
import LockstepNumerics

/// What a network's outputs should be for a class, other than 1 at the class's own output and 0 elsewhere.
package enum TargetEncoding: Codable, Hashable, Sendable {
    /// The digits of the class's number in base 2, the lowest one first.
    case binary
    /// One output: 1 for this class, 0 for all others.
    case isClass(Int)

    /// The most outputs of binary targets: labels have 16 bits.
    static let maximumBits = 16

    /// Why a network of so many outputs cannot learn so many classes; nil if it can.
    package func problem(outputs: Int, classes: Int) -> String? {
        switch self {
        case .binary:
            let needed = Self.bits(of: classes)
            guard outputs < needed || outputs > Self.maximumBits else { return nil }
            return
                "\(classes) classes have numbers of \(needed) binary digits, and the network has \(outputs) outputs; give it \(needed)"
        case .isClass(let label):
            guard outputs == 1 else { return "the network has \(outputs) outputs; give it 1" }
            return label < classes
                ? nil : "class \(label) is none of the data set's \(classes); give a number below \(classes)"
        }
    }

    /// The binary digits of the highest of so many classes.
    private static func bits(of classes: Int) -> Int { max(1, Int.bitWidth - (classes - 1).leadingZeroBitCount) }

    /// The answers that outputs can give: numbers of as many binary digits, or no and yes.
    package func answers(outputs: Int) -> Int {
        switch self {
        case .binary: 1 << min(outputs, Self.maximumBits)
        case .isClass: 2
        }
    }

    /// The names of the answers, where the classes have these names.
    package func answerNames(classes: [String], outputs: Int) -> [String] {
        switch self {
        case .binary: (0..<answers(outputs: outputs)).map { $0 < classes.count ? classes[$0] : "\($0)" }
        case .isClass(let label):
            label < classes.count ? ["not \(classes[label])", classes[label]] : ["not \(label)", "\(label)"]
        }
    }

    /// The right answer for a class.
    @inline(__always)
    package func answer(for label: Int) -> Int {
        switch self {
        case .binary: label
        case .isClass(let own): label == own ? 1 : 0
        }
    }

    /// The answer that a sample's outputs give: an output above 1/2 is 1. NaN is not.
    package func answer(of outputs: UnsafeBufferPointer<Float>) -> Int {
        var answer = 0
        for (bit, output) in outputs.prefix(Self.maximumBits).enumerated() where output > 0.5 { answer |= 1 << bit }
        return answer
    }

    /// The certainty of the least certain output, from 1/2 to 1.
    package static func confidence(of outputs: [Float]) -> Float { outputs.map { max($0, 1 - $0) }.min() ?? 0 }

    /// Writes the targets of samples, [rows, outputs], row-major.
    func write(
        labels: UnsafePointer<UInt16>, rows: Int, outputs: Int, to targets: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            let answer = answer(for: Int(labels[row]))
            for output in 0..<outputs { targets[row * outputs + output] = answer >> output & 1 == 1 ? 1 : 0 }
        }
    }

    /// Counts right answers.
    ///
    /// - Parameters:
    ///   - outputs: Activations, [rows, count], row-major.
    ///   - labels: The samples' classes, [rows].
    ///   - rows: Samples.
    ///   - count: Outputs of a sample.
    ///   - answers: Receives the answers, [rows].
    /// - Returns: The number of right ones; a row with a NaN is wrong.
    package func countCorrect(
        _ outputs: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, count: Int,
        answers: UnsafeMutablePointer<Int>
    ) -> Int {
        var correct = 0
        for row in 0..<rows {
            let own = UnsafeBufferPointer(start: outputs + row * count, count: count)
            answers[row] = answer(of: own)
            if answers[row] == answer(for: Int(labels[row])), !own.contains(where: \.isNaN) { correct += 1 }
        }
        return correct
    }

    /// The loss sum of samples of which only the output activations are known; see ``Cost/lossSum(ofOutputs:of:labels:rows:classes:)``.
    package func lossSum(
        _ cost: Cost, outputs: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, count: Int
    ) -> Double {
        var targets = [Float](repeating: 0, count: rows * count)
        write(labels: labels, rows: rows, outputs: count, to: &targets)
        return cost == .quadratic
            ? squaredError(outputs: outputs, targets: targets, rows: rows, count: count, delta: nil)
            : sigmoidCrossEntropy(activations: outputs, targets: targets, rows: rows, count: count)
    }
}

extension TargetEncoding {
    /// The text in model files.
    package var text: String {
        switch self {
        case .binary: "binary"
        case .isClass(let label): "is \(label)"
        }
    }

    /// Reads what ``text`` wrote; nil for any other text.
    package init?(text: String) {
        let words = text.split(separator: " ")
        if text == "binary" {
            self = .binary
        } else if words.count == 2, words[0] == "is", let label = UInt16(words[1]) {
            self = .isClass(Int(label))
        } else {
            return nil
        }
    }

    /// The value in a configuration: `one-hot`, which is no encoding of this type, `binary` or `{ is: 9 }`.
    package static let format = KeyFormat<TargetEncoding?>(
        limits: "`one-hot`, `binary` or `{ is: CLASS }`",
        parse: { (value) throws(ConfigurationProblem) in
            switch value {
            case .scalar("one-hot", _): return nil
            case .scalar("binary", _): return .binary
            case .scalar(let word, _): throw .unknownWord(word, known: ["one-hot", "binary", "{ is: 9 }"])
            case .list: throw .wrongType(expected: "one-hot, binary or { is: 9 }")
            case .group(let entries):
                if let other = entries.first(where: { $0.key != "is" }) { throw .unknownKey(other.key, known: ["is"]) }
                guard let entry = entries.first else { throw .missingKey("is", example: "9") }
                guard case .scalar(let text, true) = entry.value, let label = UInt16(text) else {
                    throw .entry("is", .wrongType(expected: "the number of a class, from 0"))
                }
                return .isClass(Int(label))
            }
        },
        text: { encoding in
            switch encoding {
            case nil: nil
            case .binary: .scalar("binary", isPlain: true)
            case .isClass(let label):
                .group([ConfigurationValue.Entry(key: "is", value: .scalar("\(label)", isPlain: true))])
            }
        }, violation: { _ in nil })
}

import LockstepCompute
import LockstepData
import LockstepNetwork
package import LockstepTraining

extension ConfigurationFile {
    /// The whole configuration with all defaults written out; reading it back gives an equal value.
    package static func yaml(of configuration: RunConfiguration) -> String {
        let network = configuration.network
        var lines = ["name: \(scalar(configuration.name))", "data:"]
        switch configuration.data {
        case .named(let name):
            lines.append("  name: \(scalar(name))")
        case .pickle(let path):
            lines.append("  pickle: \(scalar(path))")
        case .table(let files):
            lines.append("  csv: \(scalar(files.path))")
            if let path = files.testPath { lines.append("  test-csv: \(scalar(path))") }
            lines.append("  label: \(scalar(files.label.text))")
            if let scale = files.scale { lines.append("  scale: \(scale)") }
            if let validation = files.validation { lines.append("  validation: \(validation)") }
            if let test = files.test { lines.append("  test: \(test)") }
        case .files(let files):
            lines.append("  images: \(scalar(files.images))")
            lines.append("  labels: \(scalar(files.labels))")
            lines.append("  test-images: \(scalar(files.testImages))")
            lines.append("  test-labels: \(scalar(files.testLabels))")
            if let validation = files.validation { lines.append("  validation: \(validation)") }
        }
        lines += [
            "network:",
            "  sizes: [\(network.sizes.map(String.init).joined(separator: ", "))]",
            "  activation: \(network.activation.rawValue)",
            "  output: \(network.output.rawValue)",
            "  initializer: \(network.initializer.rawValue)",
            "cost: \(configuration.cost.rawValue)",
            "training:",
            "  epochs: \(configuration.training.epochs)",
            "  batch: \(configuration.training.batch)",
            "  seed: \(configuration.training.seed)",
            "optimizer:",
        ]
        lines += self.lines(of: configuration.optimizer) + self.lines(of: configuration.schedule)
        let (regularization, augmentation) = (configuration.regularization, configuration.augmentation)
        lines += [
            "regularization:",
            "  dropout: \(regularization.dropout)",
            "  input-dropout: \(regularization.inputDropout)",
            "  label-smoothing: \(regularization.labelSmoothing)",
            "  average: \(regularization.average)",
            "augmentation:",
            "  shift: \(augmentation.shift)",
            "  rotation: \(augmentation.rotation)",
            "  scale: \(augmentation.scale)",
            "  shear: \(augmentation.shear)",
            "  elastic: \(augmentation.elastic)",
            "  smoothness: \(augmentation.smoothness)",
            "evaluation:",
            "  every: \(configuration.evaluation.every)",
            "checkpoint:",
            "  every: \(configuration.checkpoint.every)",
            "timeouts:",
            "  start: \(configuration.timeouts.start)",
            "  rejoin: \(configuration.timeouts.rejoin)",
            "wire: \(configuration.communicationDataType.rawValue)",
        ]
        if let shards = configuration.shards { lines.append("shards: \(shards)") }
        if let kernel = configuration.kernel { lines.append("kernel: \(kernel.rawValue)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of optimizer: OptimizerConfiguration) -> [String] {
        switch optimizer {
        case .sgd(let learningRate, let momentum, let nesterov, let weightDecay):
            [
                "  sgd:", "    learning-rate: \(learningRate)", "    momentum: \(momentum)",
                "    nesterov: \(nesterov)", "    weight-decay: \(weightDecay)",
            ]
        case .adamW(let learningRate, let beta1, let beta2, let epsilon, let weightDecay):
            [
                "  adamw:", "    learning-rate: \(learningRate)", "    beta1: \(beta1)", "    beta2: \(beta2)",
                "    epsilon: \(epsilon)", "    weight-decay: \(weightDecay)",
            ]
        }
    }

    private static func lines(of schedule: ScheduleConfiguration) -> [String] {
        switch schedule {
        case .constant:
            ["schedule: constant"]
        case .step(let every, let factor):
            ["schedule:", "  step:", "    every: \(every)", "    factor: \(factor)"]
        case .cosine(let warmUp, let final):
            ["schedule:", "  cosine:", "    warm-up: \(warmUp)", "    final: \(final)"]
        case .oneCycle(let warmUp, let initial, let final):
            [
                "schedule:", "  one-cycle:", "    warm-up: \(warmUp)", "    initial: \(initial)",
                "    final: \(final)",
            ]
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

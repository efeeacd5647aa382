import LockstepData
import LockstepText

/// What `lockstep data` prints about a file or a folder.
struct DataDescription {
    private let dataset: Dataset
    private let source: DataSource

    /// Classes that are listed one by one.
    private static let classesListed = 20

    init(_ dataset: Dataset, _ source: DataSource) {
        self.dataset = dataset
        self.source = source
    }

    var lines: [String] {
        let description = dataset.description
        let total =
            description.trainingCount + description.unusedCount + description.validationCount
            + description.testCount
        let values = extremes
        return [
            "\(description.name.printableName): \(counted(total, "sample")) of \(counted(description.inputSize, "value")), "
                + "\(grouped(description.trainingCount)) for training, \(grouped(description.validationCount)) for "
                + "validation, \(grouped(description.testCount)) for the test",
            "  values from \(significant(Double(values.least))) to \(significant(Double(values.largest)))\(preparation)",
        ] + answers + description.notices.map { "  \($0)" } + ["  SHA-256 \(description.sha256)"]
    }

    /// How the values came about.
    private var preparation: String {
        if let pictures = dataset.description.pictures {
            let channels = pictures.channels == 1 ? "grey" : "red, green and blue"
            return ": pictures of \(pictures.rows) x \(pictures.columns) pixels, \(channels)"
        }
        guard let table = dataset.description.table else { return "" }
        let count = table.columns.count { $0.deviation != nil && $0.role == .value }
        return count == 0 ? "" : "; \(counted(count, "column")) standardised by the training samples"
    }

    /// The smallest and the largest value.
    private var extremes: (least: Float, largest: Float) {
        let size = dataset.description.inputSize
        var sample = [Float](repeating: 0, count: size)
        var (least, largest) = (Float.infinity, -Float.infinity)
        for split in Split.allCases {
            for index in dataset.indices(of: split) {
                sample.withUnsafeMutableBufferPointer { buffer in
                    if let base = buffer.baseAddress { dataset.gather(index..<index + 1, into: base) }
                }
                for value in sample { (least, largest) = (min(least, value), max(largest, value)) }
            }
        }
        return (least, largest)
    }

    /// The classes, or the numbers to learn.
    private var answers: [String] {
        let description = dataset.description
        guard description.hasTargets != true else {
            return ["  numbers to learn, standardised; train them with one linear output"]
        }
        var counts = [Int](repeating: 0, count: description.classCount)
        for split in Split.allCases {
            for index in dataset.indices(of: split) { counts[dataset.label(of: index)] += 1 }
        }
        let listed = description.classNames.prefix(Self.classesListed).enumerated().map {
            "\($1.printable(limit: 40)) \(grouped(counts[$0]))"
        }
        let more = description.classCount - listed.count
        let rest = more > 0 ? " and \(grouped(more)) more" : ""
        return ["  \(grouped(description.classCount)) classes: \(listed.joined(separator: ", "))\(rest)"]
    }
}

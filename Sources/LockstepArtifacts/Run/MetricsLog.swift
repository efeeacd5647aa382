import Glibc
import LockstepTraining

/// A line of `metrics.jsonl`; `type` tells the two kinds apart.
enum MetricsLine: Encodable {
    case step(StepProgress)
    case epoch(EpochReport)

    private enum CodingKeys: String, CodingKey {
        case type, epoch, step, workers, seconds, samples
        case totalSteps = "total_steps"
        case trainingCost = "training_cost"
        case samplesPerSecond = "samples_per_second"
        case testCorrect = "test_correct"
        case testTotal = "test_total"
        case testCost = "test_cost"
        case validationCorrect = "validation_correct"
        case validationTotal = "validation_total"
        case validationCost = "validation_cost"
        case isBest = "is_best"
        case weightsSHA256 = "weights_sha256"
    }

    func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .step(let progress):
            try line.encode("step", forKey: .type)
            try line.encode(progress.epoch, forKey: .epoch)
            try line.encode(progress.step, forKey: .step)
            try line.encode(progress.totalSteps, forKey: .totalSteps)
            try line.encode(progress.trainingCost.ifFinite, forKey: .trainingCost)
            try line.encode(progress.samplesPerSecond.ifFinite, forKey: .samplesPerSecond)
            try line.encode(progress.workers, forKey: .workers)
        case .epoch(let report):
            try line.encode("epoch", forKey: .type)
            try line.encode(report.epoch, forKey: .epoch)
            try line.encode(report.totalSteps, forKey: .totalSteps)
            try line.encode(report.trainingCost.ifFinite, forKey: .trainingCost)
            try line.encode(report.seconds.ifFinite, forKey: .seconds)
            try line.encode(report.samples, forKey: .samples)
            try line.encode((Double(report.samples) / report.seconds).ifFinite, forKey: .samplesPerSecond)
            try line.encode(report.workers, forKey: .workers)
            try line.encode(report.test?.correct, forKey: .testCorrect)
            try line.encode(report.test?.total, forKey: .testTotal)
            try line.encode(report.test?.cost.ifFinite, forKey: .testCost)
            try line.encode(report.validation?.correct, forKey: .validationCorrect)
            try line.encode(report.validation?.total, forKey: .validationTotal)
            try line.encode(report.validation?.cost.ifFinite, forKey: .validationCost)
            try line.encode(report.isBest, forKey: .isBest)
            try line.encode(report.weightsSHA256, forKey: .weightsSHA256)
        }
    }
}

/// The open `metrics.jsonl`: each line is handed to the kernel at once, so it outlives a killed process.
final class MetricsLog {
    private let file: FileDescriptor

    init(path: String) throws(ArtifactError) {
        file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_APPEND)
    }

    func append(_ line: MetricsLine) throws(ArtifactError) {
        let text = try jsonText(line, path: file.path)
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
    }
}

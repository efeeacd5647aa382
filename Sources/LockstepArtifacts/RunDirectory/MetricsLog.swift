import Foundation
import Glibc
import LockstepTraining

/// A line of `metrics.jsonl`; its `type` is the case.
enum MetricsLine: Encodable {
    case step(StepProgress)
    case epoch(EpochReport)

    private enum CodingKeys: String, CodingKey {
        case type, epoch, step, workers, seconds, samples
        case totalSteps = "total_steps"
        case trainingCost = "training_cost"
        case trainingCorrect = "training_correct"
        case trainingTotal = "training_total"
        case learningRate = "learning_rate"
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
            try line.encode(progress.meanTrainingLoss.ifFinite, forKey: .trainingCost)
            try line.encode(progress.learningRate?.ifFinite, forKey: .learningRate)
            try line.encode(progress.samplesPerSecond.ifFinite, forKey: .samplesPerSecond)
            try line.encode(progress.workers, forKey: .workers)
        case .epoch(let report):
            try line.encode("epoch", forKey: .type)
            try line.encode(report.epoch, forKey: .epoch)
            try line.encode(report.totalSteps, forKey: .totalSteps)
            try line.encode(report.meanTrainingLoss.ifFinite, forKey: .trainingCost)
            try line.encode(report.training?.correct, forKey: .trainingCorrect)
            try line.encode(report.training?.total, forKey: .trainingTotal)
            try line.encode(report.learningRate?.ifFinite, forKey: .learningRate)
            try line.encode(report.seconds.ifFinite, forKey: .seconds)
            try line.encode(report.samples, forKey: .samples)
            try line.encode((Double(report.samples) / report.seconds).ifFinite, forKey: .samplesPerSecond)
            try line.encode(report.workers, forKey: .workers)
            try line.encode(report.test?.correct, forKey: .testCorrect)
            try line.encode(report.test?.total, forKey: .testTotal)
            try line.encode(report.test?.meanLoss.ifFinite, forKey: .testCost)
            try line.encode(report.validation?.correct, forKey: .validationCorrect)
            try line.encode(report.validation?.total, forKey: .validationTotal)
            try line.encode(report.validation?.meanLoss.ifFinite, forKey: .validationCost)
            try line.encode(report.isBest, forKey: .isBest)
            try line.encode(report.weightsSHA256, forKey: .weightsSHA256)
        }
    }
}

/// The open `metrics.jsonl`. Each line is written by one call, so a process that is killed leaves whole lines.
final class MetricsLog {
    private let file: ArtifactFile
    /// Bytes of complete lines.
    private var length: Int

    /// - Parameters:
    ///   - path: The file; it is created if it does not exist.
    ///   - progress: The state from which the run is resumed: lines about later steps are removed. Nil: no lines are.
    /// - Throws: ``ArtifactError`` if the file cannot be opened or truncated.
    init(path: String, resumedAt progress: TrainingProgress? = nil) throws(ArtifactError) {
        if let progress { try Self.truncate(path, to: progress) }
        file = try ArtifactFile(path: path, flags: O_WRONLY | O_CREAT | O_APPEND)
        length = file.length
    }

    /// Appends a complete line or nothing.
    func append(_ line: MetricsLine) throws(ArtifactError) {
        let text = try jsonText(line, path: file.path)
        do throws(ArtifactError) {
            try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
                try file.write(UnsafeRawBufferPointer(bytes))
            }
            length += text.utf8.count
        } catch {
            try? file.truncate(to: length)
            throw error
        }
    }

    /// The step and epoch of a line.
    private struct Place: Decodable {
        var type: String
        var epoch: Int
        var totalSteps: UInt64

        enum CodingKeys: String, CodingKey {
            case type, epoch
            case totalSteps = "total_steps"
        }

        func isPart(of progress: TrainingProgress) -> Bool {
            totalSteps <= progress.step && (type != "epoch" || epoch < progress.epoch)
        }
    }

    /// Bytes that a file of metrics may have: about a hundred million lines.
    private static let maximumSize = 1 << 34

    /// Truncates a file after the last line that is part of the progress; an unfinished line is removed too.
    private static func truncate(_ path: String, to progress: TrainingProgress) throws(ArtifactError) {
        let bytes: [UInt8]
        do throws(ArtifactError) {
            bytes = try readFile(path, limit: maximumSize)
        } catch .system(_, _, let code) where code == ENOENT {
            return
        }
        let newline = UInt8(ascii: "\n")
        var end = bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
        while end > 0 {
            let start = bytes[..<(end - 1)].lastIndex(of: newline).map { $0 + 1 } ?? 0
            let place = try? JSONDecoder().decode(Place.self, from: Data(bytes[start..<end]))
            if place?.isPart(of: progress) == true { break }
            end = start
        }
        guard end < bytes.count else { return }
        let file = try ArtifactFile(path: path, flags: O_WRONLY)
        try file.truncate(to: end)
        try file.synchronize()
    }
}

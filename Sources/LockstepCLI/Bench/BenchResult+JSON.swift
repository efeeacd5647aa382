import Foundation
import LockstepArtifacts
import LockstepCostModel
import LockstepTimeline

extension BenchResult {
    /// Everything, for other programs: times in seconds.
    func json(link: LinkOption?) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(document(link: link)), as: UTF8.self)
    }

    private struct Document: Encodable {
        struct Setting: Encodable {
            let workers: Int
            let shards: Int
            let steps: Int
            let step: Statistics
            let samplesPerSecond: Double
            let speedup: Double
            let bound: Double
            let efficiency: Double
            let flopsPerSecond: Double
            let processes: [Process]
        }

        struct Process: Encodable {
            let name: String
            /// Seconds of a step by the phase's name.
            let phases: [String: Double]
        }

        struct Prediction: Encodable {
            let workers: Int
            let step: Double
            let speedup: Double
            let bound: Double
            let link: String?
        }

        let name: String
        let sizes: [Int]
        let batch: Int
        let kernel: String
        let cores: Int
        let peakFlopsPerSecond: Double
        let flopsPerStep: Double
        let settings: [Setting]
        let predictions: [Prediction]
        let modelError: Double
        let verdict: String
        let crossoverBatch: Int?
    }

    private func document(link: LinkOption?) -> Document {
        let judged = measured.map(\.setting.workers).first { $0 > 1 } ?? 2
        return Document(
            name: name, sizes: sizes, batch: batch, kernel: kernel, cores: cores, peakFlopsPerSecond: peak,
            flopsPerStep: flops, settings: measured.map(setting),
            predictions: predictions(nil) + (link.map { predictions($0) } ?? []), modelError: fitError,
            verdict: model.verdict(batch: batch, workers: judged, link: link?.link, limit: samples),
            crossoverBatch: model.crossover(workers: judged, link: link?.link, limit: samples))
    }

    /// What the chart shows.
    func record(link: LinkOption?) -> SpeedupRecord {
        let document = document(link: link)
        return SpeedupRecord(
            name: name, batch: batch,
            settings: document.settings.map {
                SpeedupRecord.Setting(
                    workers: $0.workers, speedup: $0.speedup, bound: $0.bound, efficiency: $0.efficiency)
            },
            predictions: document.predictions.map {
                SpeedupRecord.Prediction(
                    workers: $0.workers, speedup: $0.speedup, bound: $0.bound, link: $0.link)
            })
    }

    private func setting(_ one: Measured) -> Document.Setting {
        Document.Setting(
            workers: one.setting.workers, shards: one.setting.shards, steps: one.steps, step: one.seconds,
            samplesPerSecond: Double(batch) / one.seconds.median, speedup: speedup(one), bound: bound(one),
            efficiency: speedup(one) / bound(one), flopsPerSecond: flops / one.seconds.median,
            processes: one.processes.map { process in
                Document.Process(
                    name: process.name,
                    phases: Dictionary(uniqueKeysWithValues: Phase.allCases.map { ("\($0)", process[$0]) }))
            })
    }

    private func predictions(_ link: LinkOption?) -> [Document.Prediction] {
        let alone = model.single(batch: batch, shards: reference.setting.shards).total
        return predictedWorkers.map { workers in
            let step = model.distributed(batch: batch, shards: workers, workers: workers, link: link?.link).total
            return Document.Prediction(
                workers: workers, step: step, speedup: alone / step,
                bound: CostModel.bound(batch: batch, shards: workers, workers: workers), link: link?.text)
        }
    }
}

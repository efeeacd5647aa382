import Foundation
package import LockstepArtifacts
import LockstepCostModel
import LockstepNetwork
import LockstepText
import LockstepTimeline
import LockstepTraining

extension BenchResult {
    /// Everything as JSON. The article "Performance" describes each field.
    ///
    /// - Parameters:
    ///   - link: A link to predict for, besides workers of this host.
    ///   - hosts: Layouts of hosts to predict for.
    ///   - summary: The summary for people, which the JSON calls `verdict`.
    /// - Returns: A JSON document.
    /// - Throws: What keeps a value from being encoded.
    package func json(link: BenchLink?, hosts: BenchHosts? = nil, summary: String) throws -> String {
        try JSONEncoder.sorted(indented: true, inSnakeCase: true)
            .text(document(link: link, hosts: hosts, summary: summary))
    }

    private struct Document: Encodable {
        struct Setting: Encodable {
            let workers: Int
            let shards: Int
            let steps: Int
            let step: Statistics
            let samplesPerSecond: Double
            let speedup: Double
            /// The lower and the upper end.
            let speedupInterval: [Double]
            let bound: Double
            let efficiency: Double
            let flopsPerSecond: Double
            let processes: [Process]
        }

        struct Process: Encodable {
            let name: String
            /// Seconds of a step by the name of the phase.
            let phases: [String: Double]
        }

        struct Prediction: Encodable {
            let workers: Int
            let step: Double
            let speedup: Double
            /// The lower and the upper end; nil if the model's error is unknown.
            let speedupInterval: [Double]?
            let bound: Double
            let link: String?
        }

        struct Hosts: Encodable {
            let hosts: Int
            let processes: Int
            /// `processes`, `hosts` or `tree`.
            let members: String
            let fanOut: Int?
            let link: String
            let step: Double
            let compute: Double
            let communication: Double
            let speedup: Double
            let copies: Int
            let leastTransfer: Double
        }

        struct Machine: Encodable {
            let processor: String?
            let coresUsedByOthers: Double?
            let threadShare: Double
            let loadAverage: Double?
            let isBusy: Bool
        }

        struct BreakEven: Encodable {
            let workers: Int
            let earliest: Int?
            let latest: Int?
            let link: String?
        }

        /// Of every field with a unit; nothing else has one.
        static let units = [
            "step, phases, compute, communication, least_transfer": "s",
            "samples_per_second, flops_per_second, peak_flops_per_second": "1/s",
            "flops_per_step": "floating-point operations", "earliest, latest, batch": "samples",
            "model_error, efficiency, thread_share": "fraction", "speedup, speedup_interval, bound": "ratio",
            "cores_used_by_others, load_average": "cores",
        ]

        let version: String
        let units: [String: String]
        let machine: Machine
        let name: String
        /// Empty unless the configuration gives them.
        let sizes: [Int]
        let network: String
        let batch: Int
        let kernel: String
        let cores: Int
        let peakFlopsPerSecond: Double
        let flopsPerStep: Double
        let settings: [Setting]
        let predictions: [Prediction]
        let hosts: [Hosts]
        let modelError: Double?
        let breakEven: [BreakEven]
        let summary: String

        enum CodingKeys: String, CodingKey {
            case version, units, machine
            case name, sizes, network, batch, kernel, cores, settings, predictions, hosts, peakFlopsPerSecond,
                flopsPerStep,
                modelError, breakEven
            case summary = "verdict"
        }
    }

    private func document(link: BenchLink?, hosts: BenchHosts?, summary: String) -> Document {
        Document(
            version: programVersion, units: Document.units,
            machine: Document.Machine(
                processor: machine.processor, coresUsedByOthers: machine.load.usedByOthers,
                threadShare: machine.load.threadShare, loadAverage: machine.loadAverage, isBusy: isBusy),
            name: name, sizes: network.sizes, network: network.summary, batch: batch, kernel: kernel, cores: cores,
            peakFlopsPerSecond: peak, flopsPerStep: flops, settings: measured.map(setting),
            predictions: allPredictions(link), hosts: hosts.map(hostDocuments) ?? [], modelError: modelError,
            breakEven: summarized.compactMap { breakEvenDocument($0, nil) }
                + (link.map { link in summarized.compactMap { breakEvenDocument($0, link) } } ?? []),
            summary: summary)
    }

    private func hostDocuments(_ hosts: BenchHosts) -> [Document.Hosts] {
        let alone = model.single(batch: batch, shards: reference.setting.shards).total
        return hosts.predictions(model, batch: batch).map { one in
            let (members, fanOut): (String, Int?) =
                switch one.topology {
                case .processes: ("processes", nil)
                case .hosts: ("hosts", nil)
                case .tree(let fanOut): ("tree", fanOut)
                }
            return Document.Hosts(
                hosts: one.layout.hosts, processes: one.layout.processes, members: members, fanOut: fanOut,
                link: hosts.link.text, step: one.step.total, compute: one.step.compute,
                communication: one.step.communication, speedup: alone / one.step.total,
                copies: one.topology.copies(one.layout),
                leastTransfer: model.leastTransfer(one.layout, link: hosts.link.link))
        }
    }

    private func breakEvenDocument(_ one: Measured, _ link: BenchLink?) -> Document.BreakEven? {
        breakEven(one, link: link).map {
            Document.BreakEven(
                workers: one.setting.workers, earliest: $0.earliest, latest: $0.latest, link: link?.text)
        }
    }

    /// What the chart of speedup and efficiency shows.
    package func record(link: BenchLink?) -> SpeedupRecord {
        SpeedupRecord(
            name: name, batch: batch,
            settings: measured.map(setting).map {
                SpeedupRecord.Setting(
                    workers: $0.workers, speedup: $0.speedup, bound: $0.bound, efficiency: $0.efficiency)
            },
            predictions: allPredictions(link).map {
                SpeedupRecord.Prediction(
                    workers: $0.workers, speedup: $0.speedup, bound: $0.bound, link: $0.link)
            })
    }

    private func setting(_ one: Measured) -> Document.Setting {
        Document.Setting(
            workers: one.setting.workers, shards: one.setting.shards, steps: one.steps, step: one.seconds,
            samplesPerSecond: Double(batch) / one.seconds.median, speedup: speedup(one),
            speedupInterval: speedupInterval(one).ends, bound: bound(one),
            efficiency: speedup(one) / bound(one), flopsPerSecond: flops / one.seconds.median,
            processes: one.processes.map { process in
                Document.Process(
                    name: process.name,
                    phases: Dictionary(uniqueKeysWithValues: Phase.allCases.map { ("\($0)", process[$0]) }))
            })
    }

    /// For workers of this host and, if there is one, for those behind the link.
    private func allPredictions(_ link: BenchLink?) -> [Document.Prediction] {
        predictions(nil) + (link.map { predictions($0) } ?? [])
    }

    private func predictions(_ link: BenchLink?) -> [Document.Prediction] {
        let alone = model.single(batch: batch, shards: reference.setting.shards).total
        return predictedWorkers.map { workers in
            let step = model.distributed(batch: batch, shards: workers, workers: workers, link: link?.link).total
            return Document.Prediction(
                workers: workers, step: step, speedup: alone / step,
                speedupInterval: predictedInterval(alone / step, workers: workers)?.ends,
                bound: CostModel.bound(batch: batch, shards: workers, workers: workers), link: link?.text)
        }
    }
}

extension ClosedRange<Double> {
    /// The lower and the upper end.
    fileprivate var ends: [Double] { [lowerBound, upperBound] }
}

import Foundation

/// The result of a bench, as far as its charts show it: part of the JSON that `lockstep bench --json` prints.
package struct SpeedupRecord: Codable, Hashable, Sendable {
    /// A number of workers that was measured; 0: one process.
    package struct Setting: Codable, Hashable, Sendable {
        package var workers: Int
        /// How many times as fast as one process.
        package var speedup: Double
        /// The highest speedup that the shards allow.
        package var bound: Double
        /// The speedup as a part of the bound.
        package var efficiency: Double

        package init(workers: Int, speedup: Double, bound: Double, efficiency: Double) {
            self.workers = workers
            self.speedup = speedup
            self.bound = bound
            self.efficiency = efficiency
        }
    }

    /// A number of workers for which the cost model predicts a speedup.
    package struct Prediction: Codable, Hashable, Sendable {
        package var workers: Int
        package var speedup: Double
        package var bound: Double
        /// The network between the workers; nil if all are on this host.
        package var link: String?

        package init(workers: Int, speedup: Double, bound: Double, link: String?) {
            self.workers = workers
            self.speedup = speedup
            self.bound = bound
            self.link = link
        }
    }

    package var name: String
    package var batch: Int
    package var settings: [Setting]
    package var predictions: [Prediction]

    package init(name: String, batch: Int, settings: [Setting], predictions: [Prediction]) {
        self.name = name
        self.batch = batch
        self.settings = settings
        self.predictions = predictions
    }

    /// Bytes that the JSON may have.
    private static let maximumSize = 1 << 24

    /// Saves a bench's result in a run directory, and adds its charts to the run's report.
    ///
    /// - Parameters:
    ///   - json: The complete result, which contains what this type reads.
    ///   - directory: The directory of a run that has ended.
    /// - Throws: ``ArtifactError`` or ``ConfigurationError`` if a file is missing or damaged, or cannot be written.
    package static func save(_ json: String, in directory: RunDirectory) throws {
        try AtomicFile.write(json + "\n", to: directory.bench)
        try RunReport.rewrite(in: directory)
    }

    /// Reads the result in a run directory; nil if there is none.
    ///
    /// - Throws: ``ArtifactError`` if the file is not the result of a bench.
    package static func load(_ directory: RunDirectory) throws(ArtifactError) -> SpeedupRecord? {
        let bytes: [UInt8]
        do throws(ArtifactError) {
            bytes = try readFile(directory.bench, limit: maximumSize)
        } catch .system(_, _, let code) where code == ENOENT {
            return nil
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Self.self, from: Data(bytes))
        } catch {
            throw .malformed(
                path: directory.bench, reason: "not the result of a bench",
                remedy: "remove it, or repeat the bench with --run")
        }
    }
}

extension SpeedupRecord {
    /// The speedup, then the efficiency: up to the largest number of workers that was measured. A prediction for many more
    /// would leave a corner of the chart to the measurements.
    package var charts: [LineChart] { [speedupChart, efficiencyChart] }

    private var speedupChart: LineChart {
        let maximum = Double(maximumWorkers)
        let bounds = Dictionary(shownPredictions.map { ($0.workers, $0.bound) }) { first, _ in first }
        return LineChart(
            title: "\(name), mini-batch \(batch): times as fast as one process", xLabel: "workers",
            series: [
                LineChart.Series(
                    name: "measured", points: measured.map { (Double($0.workers), $0.speedup) }, hasMarkers: true)
            ]
                + links.map { link in
                    LineChart.Series(
                        name: name(of: link), points: predicted(link).map { (Double($0.workers), $0.speedup) })
                } + [
                    LineChart.Series(
                        name: "bound of the plan", points: bounds.keys.sorted().map { (Double($0), bounds[$0] ?? .nan) }
                    ),
                    LineChart.Series(name: "one process", points: maximum > 1 ? [(1, 1), (maximum, 1)] : [(1, 1)]),
                ])
    }

    private var efficiencyChart: LineChart {
        LineChart(
            title: "Efficiency: part of the bound, %", xLabel: "workers",
            series: [
                LineChart.Series(
                    name: "measured", points: measured.map { (Double($0.workers), 100 * $0.efficiency) },
                    hasMarkers: true)
            ]
                + links.map { link in
                    LineChart.Series(
                        name: name(of: link),
                        points: predicted(link).map { (Double($0.workers), 100 * $0.speedup / $0.bound) })
                })
    }

    private var measured: [Setting] {
        settings.filter { $0.workers > 0 }.sorted { $0.workers < $1.workers }
    }

    private var maximumWorkers: Int { max(1, settings.map(\.workers).max() ?? 1) }

    private var shownPredictions: [Prediction] { predictions.filter { $0.workers <= maximumWorkers } }

    /// This host, and the networks of the predictions.
    private var links: [String?] {
        Set(shownPredictions.map(\.link)).sorted { ($0 ?? "") < ($1 ?? "") }
    }

    private func predicted(_ link: String?) -> [Prediction] {
        shownPredictions.filter { $0.link == link }.sorted { $0.workers < $1.workers }
    }

    private func name(of link: String?) -> String {
        link.map { "predicted, \($0)" } ?? "predicted"
    }
}

package import Foundation
package import LockstepTraining

/// What a run's page shows besides its summary: `report.json`.
package struct ReportDetails: Codable, Hashable, Sendable {
    /// A worker, as the coordinator sees it.
    package struct Worker: Codable, Hashable, Sendable {
        package var name: String
        package var host: String
        package var processID: UInt32
        package var state: String
        /// The compute time of a tree node, a moving average; nil before the first.
        package var millisecondsPerNode: Double?

        package init(name: String, host: String, processID: UInt32, state: String, millisecondsPerNode: Double?) {
            self.name = name
            self.host = host
            self.processID = processID
            self.state = state
            self.millisecondsPerNode = millisecondsPerNode
        }
    }

    /// Where the time of a process went.
    package struct Process: Codable, Hashable, Sendable {
        package var name: String
        /// Seconds by the phase's name.
        package var seconds: [String: Double]

        package init(name: String, seconds: [String: Double]) {
            self.name = name
            self.seconds = seconds
        }
    }

    /// The host of the coordinator or of the single process.
    package var host: String
    /// When this process of the run started.
    package var started: Date
    /// When the page was last written.
    package var updated: Date
    var progress = ProgressSeries()
    package var workers: [Worker] = []
    package var processes: [Process] = []
    /// The answers with the weights of ``analysedEpoch``.
    package var analysis: SplitAnalysis?
    package var analysedEpoch: Int?
    /// The names of the answers.
    package var answerNames: [String] = []
    /// The pictures of the analysis's mistakes; empty where samples are no pictures.
    package var mistakePictures: [String] = []
    /// Columns by rows of these pictures.
    package var pictureRatio: Double = 1
    package var neurons: Neurons?

    /// The first layer's weights as pictures.
    package struct Neurons: Codable, Hashable, Sendable {
        package var pictures: [String]
        /// Neurons of the layer; the pictures are those of the first.
        package var count: Int
        package var ratio: Double
    }

    package init(host: String, started: Date) {
        self.host = host
        self.started = started
        self.updated = started
    }

    /// Bytes that the file may have.
    private static let maximumSize = 1 << 26

    /// Reads the details in a run directory; nil if there are none that this program can read.
    package static func load(_ directory: RunDirectory) -> ReportDetails? {
        guard let bytes = try? readFile(directory.reportDetails, limit: maximumSize) else { return nil }
        let details = try? JSONDecoder().decode(Self.self, from: Data(bytes))
        return details.flatMap { $0.analysis?.isConsistent == false ? nil : $0 }
    }

    /// Adds where the processes' time went to the page of a run that has ended.
    ///
    /// - Throws: ``ArtifactError`` or ``ConfigurationError`` if a file is missing or damaged, or cannot be written.
    package static func add(_ processes: [Process], in directory: RunDirectory) throws {
        guard var details = load(directory) else { return }
        details.processes = processes
        try details.save(in: directory)
        try RunReport.rewrite(in: directory)
    }

    func save(in directory: RunDirectory) throws(ArtifactError) {
        try AtomicFile.write(jsonText(self, path: directory.reportDetails), to: directory.reportDetails)
    }
}

extension RunDirectory {
    /// What `report.html` shows besides the summary.
    var reportDetails: String { file("report.json") }
}

extension SplitAnalysis {
    /// Counts of an analysis, and answers, are below this.
    private static let maximum = 1 << 32

    /// Whether the numbers are those of an analysis: a file may have any.
    fileprivate var isConsistent: Bool {
        let numbers = confusion.flatMap { $0 } + mistakes.flatMap { [$0.label, $0.answer, $0.sample] } + [count]
        return confusion.allSatisfy { $0.count == confusion.count }
            && numbers.allSatisfy((0..<Self.maximum).contains)
    }
}

import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepRuntime
import LockstepTesting
import LockstepTraining
import Synchronization

@testable import LockstepRuns

/// A folder with a tiny data set, and runs on it in this process.
struct RunPlace {
    let folder: TemporaryFolder
    let dataset = TinyDataset()

    init() throws {
        folder = try TemporaryFolder()
        try dataset.write(to: folder)
    }

    /// The configuration, with the kernel that all tests of this process use.
    func configuration(epochs: Int = 2, shards: Int? = nil) throws -> RunConfiguration {
        let path = try folder.write(
            text: dataset.configuration(data: folder("data"), epochs: epochs), to: "tiny-\(epochs).yaml")
        var configuration = try ConfigurationFile.load(path: path)
        configuration.kernel = .portable
        configuration.shards = shards
        return configuration
    }

    /// Trains in one process into `output`.
    ///
    /// - Parameters:
    ///   - configuration: Of the run.
    ///   - output: The name of the run directory.
    ///   - isResumed: Whether to continue the run there.
    ///   - isTraced: Whether to write a timeline.
    ///   - stoppingAfter: Steps after which a signal arrives; nil: none does.
    /// - Returns: The summary of the run, and its notices.
    /// - Throws: What the run throws.
    @discardableResult
    func train(
        _ configuration: RunConfiguration, to output: String, isResumed: Bool = false, isTraced: Bool = false,
        stoppingAfter: Int? = nil
    ) throws -> (summary: RunSummary, notices: [String]) {
        let notices = Notices()
        let assembly = try RunAssembly(
            configuration, workers: 1,
            resuming: isResumed ? try ResumedRun(output: folder(output), name: "tiny") : nil)
        let run = try assembly.prepare(try assembly.loadDataset()) { notices.add($0) }
        let polls = Atomic(0)
        let stop = StopRequests(signal: { [stoppingAfter] in
            guard let stoppingAfter else { return nil }
            return polls.wrappingAdd(1, ordering: .relaxed).newValue > stoppingAfter ? SIGTERM : nil
        })
        let recorded = RecordedRun(
            run, in: try assembly.openDirectory(output: folder(output)), stop: stop, isTraced: isTraced, observers: []
        ) { notices.add($0) }
        do {
            try recorded.train()
        } catch let error as RunError where error.interruption != nil && stoppingAfter != nil {
            notices.add(text: "interrupted by \(error.interruption ?? 0)")
        }
        return (try RunSummary.load(RunDirectory(existing: folder(output))), notices.lines)
    }
}

/// Records notices, each in a word or two.
final class Notices: Sendable {
    private let texts = Mutex<[String]>([])

    var lines: [String] { texts.withLock { $0 } }

    func add(text: String) { texts.withLock { $0.append(text) } }

    func add(_ notice: RunNotice) {
        switch notice {
        case .checkpoint: break
        case .damagedCheckpoint: add(text: "damaged checkpoint")
        case .resuming(_, let step): add(text: "resuming after \(step.map { "\($0)" } ?? "nothing")")
        case .traced: add(text: "traced")
        case .finished: add(text: "finished")
        case .interrupted(let signal, _, _): add(text: "signal \(signal)")
        case .newestCheckpoint(let step, _, let canContinue): add(text: "checkpoint \(step), \(canContinue)")
        default: add(text: "\(notice)")
        }
    }
}

import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// The hosts of a coordinator and of two workers, and a run with epochs of 50 steps.
final class NetworkSite {
    let folder: TemporaryFolder
    let options: [String]
    let home: NetworkNamespace
    let hosts: [NetworkNamespace]
    let links: [NetworkLink]

    /// Whether the long variants run: scripts/check-deep.
    static let isDeep = getenv("LOCKSTEP_DEEP_NETWORK") != nil

    /// - Parameters:
    ///   - dataset: The data set, which the coordinator alone has.
    ///   - epochs: The number of epochs.
    ///   - batch: The samples of a mini-batch.
    ///   - options: More options of the run.
    /// - Throws: An error if there are no namespaces or no keys.
    init(_ dataset: TinyDataset = TinyDataset(), epochs: Int, batch: Int = 10, _ options: [String] = []) throws {
        self.options = ["tiny.yaml", "--kernel", "portable", "--shards", "4"] + options
        folder = try Workplace(dataset, epochs: epochs, batch: batch).folder
        try Program.run(["keygen", folder("keys")], in: folder.path)
        let (home, hosts) = (try NetworkNamespace(), try (0..<2).map { _ in try NetworkNamespace() })
        self.home = home
        self.hosts = hosts
        links = try hosts.enumerated().map { try NetworkLink(number: $0 + 1, from: home, to: $1) }
    }

    /// The run without workers, in one process.
    func alone() throws -> RunSummary {
        let run = try Program.run(["train", "--output", "alone"] + options, in: folder.path)
        try #require(run.status == 0, "\(run)")
        return try RunSummary(run: folder("alone"))
    }

    /// A coordinator that waits for workers, and its port.
    func coordinator(workers: Int = 2) throws -> (RunningProcess, port: Substring) {
        let run = try RunningProcess(
            ["coordinator", "--workers", "\(workers)", "--output", "run", "--bind", "tcp://*:0", "--keys", "keys"]
                + options,
            in: folder.path, on: home)
        return (run, try #require(try run.listeningEndpoint().split(separator: ":").last))
    }

    /// Starts the worker of a host. A slow one takes 4 ms longer for each node, so that a fault happens while it
    /// computes.
    func worker(on host: Int, port: Substring, isSlow: Bool = true) throws -> RunningProcess {
        try RunningProcess(
            ["worker", "--connect", "tcp://\(links[host].nearAddress):\(port)", "--keys", "keys"],
            environment: [
                "LOCKSTEP_CACHE": folder("cache-\(host)"), "LOCKSTEP_FAULT": isSlow ? "slow=4" : nil,
            ], in: folder.path, on: hosts[host])
    }

    /// Waits for the end, and compares with the undisturbed run: the weights after each epoch, and the mean cost of
    /// its samples, which shows a sample that was omitted or used twice.
    func conclude(_ run: RunningProcess, _ workers: [RunningProcess], as alone: RunSummary) throws -> RunSummary {
        let ending = try run.wait()
        #expect(ending.status == 0, "\(ending)")
        for worker in workers {
            let ending = try worker.wait()
            #expect(ending.status == 0, "\(ending)")
        }
        let summary = try RunSummary(run: folder("run"))
        #expect(summary.steps == alone.steps)
        #expect(summary.epochs.map(\.weightsSHA256) == alone.epochs.map(\.weightsSHA256))
        #expect(summary.epochs.map(\.trainingCost) == alone.epochs.map(\.trainingCost))
        #expect(summary.weightsSHA256 == alone.weightsSHA256, "\(ending)")
        return summary
    }
}

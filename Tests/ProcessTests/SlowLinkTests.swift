import Foundation
import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

/// Links over which a step takes seconds or minutes, and links that break every second: a run makes progress, or ends with
/// words that say why.
@Suite(
    "Slow links", .serialized, .oneAtATime,
    .enabled(if: NetworkNamespace.isAvailable, "needs root, network namespaces and iproute2"))
struct SlowLinkTests {
    /// A run whose weights take 130 KB, of a few steps.
    private func site(steps: Int, _ options: [String] = []) throws -> NetworkSite {
        try NetworkSite(
            TinyDataset(training: 10 * steps, validation: 4, test: 4), epochs: 1,
            ["--set", "network.sizes=[36,800,4]", "--set", "evaluation.every=0"] + options)
    }

    private func limit(_ site: NetworkSite, _ direction: NetworkLink.Direction = .both, rate: String) throws {
        for link in site.links { try link.limit(direction, rate: rate, burst: "16kb", latency: "400ms") }
    }

    @Test("A gradient that travels longer than the heartbeat waits is no loss")
    func uplink() throws {
        let site = try site(steps: 1)
        let alone = try site.alone()
        // 130 KB take 4.1 s.
        try limit(site, .fromFarEnd, rate: "256kbit")
        let (run, port) = try site.coordinator(workers: 1)
        let worker = try site.worker(on: 0, port: port, isSlow: false)
        let summary = try site.conclude(run, [worker], as: alone)
        #expect(summary.workersLost == 0 && summary.workersJoined == 1)
    }

    @Test(
        "A run over a slow link makes progress, and ends with the weights of the undisturbed one",
        .enabled(if: NetworkSite.isDeep), arguments: ["256kbit", "1mbit"], ["float32", "bfloat16"])
    func progress(rate: String, dataType: String) throws {
        let site = try site(steps: 6, ["--set", "communication-dtype=\(dataType)"])
        let alone = try site.alone()
        try limit(site, rate: rate)
        let (run, port) = try site.coordinator()
        let workers = try (0..<2).map { try site.worker(on: $0, port: port, isSlow: false) }
        let summary = try site.conclude(run, workers, as: alone)
        #expect(summary.workersLost == 0 && summary.workersJoined == 2)
    }

    @Test(
        "A run over a slow link heeds SIGTERM within its deadline, while bytes are under way",
        .enabled(if: NetworkSite.isDeep), arguments: [true, false])
    func stopped(isCoordinator: Bool) throws {
        let site = try site(steps: 50)
        try limit(site, rate: "256kbit")
        let (run, port) = try site.coordinator(workers: 1)
        let worker = try site.worker(on: 0, port: port, isSlow: false)
        try run.waitForLine(containing: "joined")
        sleep(5)
        (isCoordinator ? run : worker).send(signal: SIGTERM)
        let before = Instant.now
        _ = try (isCoordinator ? run : worker).wait()
        // The deadline for the step's answers, that for the last messages, and what a loaded machine takes.
        #expect(Instant.now.since(before) < .seconds(30))
        run.send(signal: SIGTERM)
        #expect(try run.wait().status == 143)
    }

    @Test(
        "A link that is too slow for any step ends the run with words that say so, at both ends",
        .enabled(if: NetworkSite.isDeep))
    func tooSlow() throws {
        // 4.8 MB each way take 300 s.
        let site = try NetworkSite(
            TinyDataset(training: 20, validation: 4, test: 4), epochs: 1,
            [
                "--set", "network.sizes=[36,1060,1060,4]", "--set", "evaluation.every=0", "--set", "timeouts.rejoin=2",
            ])
        try limit(site, rate: "256kbit")
        let (run, port) = try site.coordinator(workers: 1)
        let worker = try site.worker(on: 0, port: port, isSlow: false)
        let (ending, end) = (try worker.wait(), try run.wait())
        for process in [ending, end] {
            #expect(process.status == 69, "\(process)")
            #expect(process.errors.contains("this link is too slow: it needs 3"), "\(process)")
        }
    }

    @Test(
        "A link that breaks every second lets the run through, or ends it with words that say so",
        .enabled(if: NetworkSite.isDeep), arguments: ["100mbit", "1mbit"])
    func flapping(rate: String) throws {
        let site = try site(steps: 6)
        let alone = try site.alone()
        try limit(site, rate: rate)
        let (run, port) = try site.coordinator(workers: 1)
        let worker = try site.worker(on: 0, port: port, isSlow: false)
        let deadline = Deadline.after(.seconds(300))
        while run.isRunning, !deadline.hasPassed(at: Instant.now) {
            try site.links[0].cut()
            usleep(500_000)
            try site.links[0].mend()
            usleep(500_000)
        }
        let ending = try run.wait(limit: .seconds(1))
        if ending.status == 0 {
            #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == alone.weightsSHA256)
        } else {
            #expect(ending.status == 69 || ending.status == 75, "\(ending)")
            #expect(try worker.wait().status != 0)
        }
    }
}

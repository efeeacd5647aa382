import Foundation
import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

/// A coordinator and workers on hosts that share only a network, and faults of the network.
///
/// Each host is a network namespace with a cable to the coordinator's namespace, a cache of its own and keys.
@Suite(
    "Between hosts", .serialized, .oneAtATime,
    .enabled(if: NetworkNamespace.isAvailable, "needs root, network namespaces and iproute2"))
struct NetworkTests {
    @Test("A run between hosts sends all its bytes, and a link that is down for a moment changes nothing")
    func linkDown() throws {
        let site = try NetworkSite(epochs: 10)
        let alone = try site.alone()
        let (run, port) = try site.coordinator()
        let workers = try (0..<2).map { try site.worker(on: $0, port: port) }
        try run.waitForLine(containing: "Epoch 0")
        let before = Instant.now
        try site.links[0].cut()
        usleep(700_000)
        try site.links[0].mend()
        let outage = Instant.now.since(before)
        let summary = try site.conclude(run, workers, as: alone)
        // In each step the weights are sent to at least one worker, and a sum comes back.
        #expect(summary.inlinePayloadBytes >= UInt64(2 * summary.steps * summary.parameters * 4))
        for host in 0..<2 {
            // Each host has received the data set.
            #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder("cache-\(host)")) != [])
        }
        // Far below the heartbeat's 3 s, unless the machine is overloaded.
        if outage < .seconds(1.2) { #expect(summary.workersLost == 0 && summary.workersJoined == 2) }
    }

    @Test(
        "A worker whose link is cut, or whose packets are dropped, is evicted and joins again once they arrive",
        arguments: LinkFault.allCases.filter { $0 == .halfOpen || NetworkSite.isDeep })
    func evicted(fault: LinkFault) throws {
        let site = try NetworkSite(epochs: 36)
        let alone = try site.alone()
        let (run, port) = try site.coordinator()
        let workers = try (0..<2).map { try site.worker(on: $0, port: port) }
        try run.waitForLine(containing: "Epoch 0")
        let before = Instant.now
        try fault.begin(on: site.links[1])
        try run.waitForLine(containing: "was lost", limit: .seconds(30))
        let detection = Instant.now.since(before)
        try fault.end(on: site.links[1])
        try run.waitForLine(containing: "joined; 2 workers", count: 2)
        let summary = try site.conclude(run, workers, as: alone)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3)
        // A heartbeat is sent every second, and answered within three.
        if NetworkSite.isDeep { #expect(detection > .seconds(2) && detection < .seconds(5)) }
    }

    @Test("A model of 40 MB on a slow link does not trip the heartbeat")
    func slowLink() throws {
        // 40 MB take 0.3 s at 1 Gbit/s; at 100 Mbit/s they take longer than the heartbeat's timeout.
        let rate = NetworkSite.isDeep ? "100mbit" : "1gbit"
        let site = try NetworkSite(
            TinyDataset(training: 20, validation: 4, test: 4), epochs: 1,
            ["--set", "network.sizes=[36,3120,3120,4]", "--set", "evaluation.every=0"])
        let alone = try site.alone()
        for link in site.links { try link.limit(.both, rate: rate) }
        let (run, port) = try site.coordinator()
        let workers = try (0..<2).map { try site.worker(on: $0, port: port, isSlow: false) }
        let summary = try site.conclude(run, workers, as: alone)
        #expect(summary.parameters * 4 > 39_000_000 && summary.steps == 2)
        #expect(summary.workersLost == 0 && summary.workersJoined == 2)
        #expect(summary.inlinePayloadBytes >= UInt64(4 * summary.steps * summary.parameters * 4))
    }
}

/// The faults of a link that make a peer unreachable.
enum LinkFault: CaseIterable {
    /// No data arrives in either direction.
    case cut
    /// The worker's packets are dropped; the coordinator's packets arrive.
    case halfOpen

    func begin(on link: NetworkLink) throws {
        switch self {
        case .cut: try link.cut()
        case .halfOpen: try link.dropPacketsFromFarEnd()
        }
    }

    func end(on link: NetworkLink) throws {
        switch self {
        case .cut: try link.mend()
        case .halfOpen: try link.dropNothing()
        }
    }
}

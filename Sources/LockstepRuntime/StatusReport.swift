import Foundation
package import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepTraining

/// The answer to a status request: the run and who takes part. Travels as JSON.
package struct StatusReport: Codable, Hashable, Sendable {
    package var name: String
    package var programVersion: String
    package var epochs: Int
    package var stepsPerEpoch: Int
    package var shards: Int
    package var cluster: ClusterStatus
    /// What each member needed to compute its last steps: nanoseconds a step, a moving average, by member number.
    package var paces: [UInt32: UInt64]

    init(_ welcome: Welcome, cluster: ClusterStatus, paces: [UInt32: UInt64], programVersion: String) {
        let configuration = welcome.configuration
        let schedule = BatchSchedule(
            samples: welcome.dataset.trainingCount, batch: configuration.training.batch,
            shards: configuration.shards ?? 1)
        self.name = configuration.name
        self.programVersion = programVersion
        self.epochs = configuration.training.epochs
        self.stepsPerEpoch = schedule.stepsPerEpoch
        self.shards = schedule.shards
        self.cluster = cluster
        self.paces = paces
    }

    func encoded() throws -> [UInt8] { [UInt8](try JSONEncoder().encode(self)) }

    /// - Throws: `DecodingError` for anything that is no report.
    package init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(StatusReport.self, from: Data(bytes))
    }

    /// Whether a member takes more than twice the median time of all.
    package func isSlow(_ worker: ClusterStatus.Worker) -> Bool {
        let sorted = cluster.workers.compactMap { paces[$0.member] }.sorted()
        guard sorted.count > 1, let own = paces[worker.member] else { return false }
        return own / 2 > sorted[(sorted.count - 1) / 2]
    }
}

/// How long members compute, as moving averages.
struct Paces {
    private(set) var nanoseconds: [UInt32: UInt64] = [:]

    /// Takes a node's compute time in; a peer may claim any.
    mutating func add(_ member: MemberID, _ new: UInt64) {
        let new = min(new, 1 << 50)
        guard let old = nanoseconds[member.rawValue] else { return nanoseconds[member.rawValue] = new }
        nanoseconds[member.rawValue] = old - old / 16 + new / 16
    }

    /// Forgets those who have gone.
    mutating func keep(_ members: [ClusterStatus.Worker]) {
        let present = Set(members.map(\.member))
        nanoseconds = nanoseconds.filter { present.contains($0.key) }
    }
}

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

    package init(_ welcome: Welcome, cluster: ClusterStatus, paces: [UInt32: UInt64], programVersion: String) {
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

    package func encoded() throws -> [UInt8] { [UInt8](try JSONEncoder().encode(self)) }

    /// Why a report is not shown: nobody vouches for it.
    package enum Failure: Error, Hashable, CustomStringConvertible {
        /// Numbers that no run has.
        case impossible
        /// Texts that a terminal could take for commands.
        case unprintable

        package var description: String {
            switch self {
            case .impossible: "a status with numbers that no run has"
            case .unprintable: "a status with texts that cannot be printed"
            }
        }
    }

    /// More epochs, and more steps in one of them, than any run has.
    private static let most = 1 << 31

    /// - Throws: `DecodingError` for anything that is no report, ``Failure`` for one that cannot be shown.
    package init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(StatusReport.self, from: Data(bytes))
        guard (0...Self.most).contains(epochs), (0...Self.most).contains(stepsPerEpoch) else {
            throw Failure.impossible
        }
        for text in [name, programVersion] + cluster.workers.map(\.host) {
            guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                throw Failure.unprintable
            }
        }
    }

    /// Whether a member takes more than twice the median time of all.
    package func isSlow(_ worker: ClusterStatus.Worker) -> Bool {
        let sorted = cluster.workers.compactMap { paces[$0.member] }.sorted()
        guard sorted.count > 1, let own = paces[worker.member] else { return false }
        return own / 2 > sorted[(sorted.count - 1) / 2]
    }
}

/// How long members compute, as moving averages.
struct ComputeTimes {
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

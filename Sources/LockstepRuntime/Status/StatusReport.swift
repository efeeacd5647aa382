import Foundation
package import LockstepCluster
import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepText
import LockstepTraining

/// The answer to a status request: the run and its workers. Sent as JSON.
package struct StatusReport: Codable, Hashable, Sendable {
    package var name: String
    package var programVersion: String
    package var epochs: Int
    package var stepsPerEpoch: Int
    package var shards: Int
    package var cluster: ClusterStatus
    /// The compute time of each member for a tree node, in nanoseconds, as a moving average, by member ID.
    package var computeTimes: [UInt32: UInt64]

    /// The keys of the JSON text, which are part of the protocol.
    private enum CodingKeys: String, CodingKey {
        case name, programVersion, epochs, stepsPerEpoch, shards, cluster
        case computeTimes = "paces"
    }

    package init(_ welcome: Welcome, cluster: ClusterStatus, computeTimes: [UInt32: UInt64], programVersion: String) {
        let configuration = welcome.configuration
        let schedule = BatchSchedule(
            samples: welcome.dataset.trainingCount, batch: configuration.training.batch,
            shards: configuration.shards ?? 1)
        self.name = configuration.name.printable
        self.programVersion = programVersion
        self.epochs = configuration.training.epochs
        self.stepsPerEpoch = schedule.stepsPerEpoch
        self.shards = schedule.shards
        self.cluster = cluster
        self.computeTimes = computeTimes
    }

    package func encoded() throws -> [UInt8] { [UInt8](try JSONEncoder.sorted().encode(self)) }

    /// Why a received report is not shown. Its sender may be wrong or hostile.
    package enum Failure: Error, Hashable, CustomStringConvertible {
        /// It has numbers that no run has.
        case impossible
        /// It has texts that are not printable.
        case unprintable

        package var description: String {
            switch self {
            case .impossible: "a status with numbers that no run has"
            case .unprintable: "a status with texts that cannot be printed"
            }
        }
    }

    /// More epochs, and more steps in an epoch, than any run has.
    private static let maximumCount = 1 << 31

    /// - Throws: `DecodingError` if the bytes are not a report, or ``Failure`` if the report cannot be shown.
    package init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(StatusReport.self, from: Data(bytes))
        guard (0...Self.maximumCount).contains(epochs), (0...Self.maximumCount).contains(stepsPerEpoch) else {
            throw Failure.impossible
        }
        for text in [name, programVersion] + cluster.workers.map(\.host) {
            guard text.isPrintable else {
                throw Failure.unprintable
            }
        }
    }

    /// Whether a member takes more than twice the median time of all members.
    package func isSlow(_ worker: ClusterStatus.Worker) -> Bool {
        let sorted = cluster.workers.compactMap { computeTimes[$0.member] }.sorted()
        guard sorted.count > 1, let own = computeTimes[worker.member] else { return false }
        return own / 2 > sorted[(sorted.count - 1) / 2]
    }
}

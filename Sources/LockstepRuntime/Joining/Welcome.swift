import Foundation
package import LockstepData
import LockstepSharding
import LockstepText
import LockstepTimeline
package import LockstepTraining

/// What the coordinator sends a worker that joins: everything that the worker needs to take part. Sent as JSON.
package struct Welcome: Codable {
    /// The run's configuration, with shards and kernel resolved.
    package var configuration: RunConfiguration
    package var dataset: DatasetDescription
    /// Where a worker on the same host requests shared memory; nil if weights and gradients are sent in messages.
    var regions: Regions?
    /// What the worker records in its timeline; nil: nothing.
    var timeline: TimelineOptions?
    /// Whether workers compute nothing and answer at once with the contents of their memory, so that a trial times the
    /// coordinator alone. Nil: no.
    var isNoOp: Bool?
    /// The number of coordinators above the sender. Nil: none, it is the run's own.
    var level: Int?

    private enum CodingKeys: String, CodingKey {
        case configuration, dataset, regions, timeline, level
        case isNoOp = "pretends"
    }

    /// The most levels of coordinators. Each halves its deadlines.
    package static let maximumLevel = 4

    /// The socket over which a worker requests shared memory.
    enum Regions: Codable, Hashable {
        /// The standard input of a worker that the coordinator has started.
        case standardInput
        /// An abstract Unix socket, which only processes in the coordinator's network namespace can reach.
        case name(String)
    }

    package func encoded() throws -> [UInt8] {
        [UInt8](try JSONEncoder.sorted().encode(self))
    }

    package init(configuration: RunConfiguration, dataset: DatasetDescription) {
        self.init(configuration: configuration, dataset: dataset, regions: nil)
    }

    init(
        configuration: RunConfiguration, dataset: DatasetDescription, regions: Regions?,
        timeline: TimelineOptions? = nil, isNoOp: Bool? = nil, level: Int? = nil
    ) {
        self.level = level
        self.timeline = timeline
        self.isNoOp = isNoOp
        self.configuration = configuration
        self.dataset = dataset
        self.regions = regions
    }

    /// - Throws: `DecodingError` if the bytes are not a welcome.
    package init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(Welcome.self, from: Data(bytes))
    }

    /// Checks the values that a worker relies on, because the coordinator may be faulty or hostile.
    ///
    /// - Throws: An error that names the first value that no run can have.
    package func check() throws {
        let shards = configuration.shards ?? 1
        guard (1...SummationTree.maximumShards).contains(shards), configuration.training.batch >= 1 else {
            throw TrainingError.invalidConfiguration(
                "\(shards) shards of a mini-batch of \(configuration.training.batch)")
        }
        guard (0...Self.maximumLevel).contains(level ?? 0) else {
            throw TrainingError.invalidConfiguration(
                "\(level ?? 0) coordinators above the one that welcomes this worker")
        }
        // The sizes come first, because later checks calculate with them.
        _ = try DatasetLayout(dataset)
        _ = try configuration.makeModel()
        try configuration.check(against: dataset)
    }
}

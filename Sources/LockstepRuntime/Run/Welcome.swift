import Foundation
package import LockstepData
import LockstepNetwork
import LockstepSharding
package import LockstepTraining

/// What a worker is told when it joins: all it needs to take part. Travels as JSON.
package struct Welcome: Codable {
    /// The run's configuration, with shards and kernel resolved.
    package var configuration: RunConfiguration
    package var dataset: DatasetDescription
    /// Where a worker of the same host asks for shared memory; nil where payload travels in messages.
    var regions: Regions?
    /// What the worker is to note about its time; nil: nothing.
    var timeline: TimelineOptions?
    /// Whether workers only pretend: they answer at once with whatever their memory holds, in a trial of the coordinator
    /// alone. Nil: no.
    var pretends: Bool?

    /// A socket that passes memory on.
    enum Regions: Codable, Hashable {
        /// The standard input of a worker that the coordinator has started.
        case standardInput
        /// An abstract unix socket, which only processes in the coordinator's network namespace find.
        case name(String)
    }

    package func encoded() throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(self))
    }

    package init(configuration: RunConfiguration, dataset: DatasetDescription) {
        self.init(configuration: configuration, dataset: dataset, regions: nil)
    }

    init(
        configuration: RunConfiguration, dataset: DatasetDescription, regions: Regions?,
        timeline: TimelineOptions? = nil, pretends: Bool? = nil
    ) {
        self.timeline = timeline
        self.pretends = pretends
        self.configuration = configuration
        self.dataset = dataset
        self.regions = regions
    }

    /// - Throws: `DecodingError` for anything that is no welcome.
    package init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(Welcome.self, from: Data(bytes))
    }

    /// Checks what a worker relies on, for nobody vouches for it.
    ///
    /// - Throws: What no run can have.
    package func check() throws {
        let shards = configuration.shards ?? 1
        guard (1...SummationTree.maximumShards).contains(shards), configuration.training.batch >= 1 else {
            throw TrainingError.invalidConfiguration(
                "\(shards) shards of a mini-batch of \(configuration.training.batch)")
        }
        // The sizes first: what is checked after them calculates with them.
        _ = try DatasetLayout(dataset)
        _ = try ParameterLayout(configuration.network)
        guard configuration.cost.accepts(configuration.network.output) else {
            throw NetworkError.costOfOutput(configuration.cost, configuration.network.output)
        }
        try configuration.check(against: dataset)
    }
}

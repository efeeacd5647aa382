import Foundation
import LockstepData
import LockstepTraining

/// What a worker is told when it joins: all it needs to take part. Travels as JSON.
struct Welcome: Codable {
    /// The run's configuration, with shards and kernel resolved.
    var configuration: RunConfiguration
    var dataset: DatasetDescription

    func encoded() throws -> [UInt8] {
        [UInt8](try JSONEncoder().encode(self))
    }

    init(configuration: RunConfiguration, dataset: DatasetDescription) {
        self.configuration = configuration
        self.dataset = dataset
    }

    /// - Throws: `DecodingError` for anything that is no welcome.
    init(decoding bytes: UnsafeRawBufferPointer) throws {
        self = try JSONDecoder().decode(Welcome.self, from: Data(bytes))
    }
}

import Foundation
package import LockstepArtifacts

extension RunSummary {
    /// Reads the `summary.json` of a run directory.
    package init(run directory: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(bytes(of: "\(directory)/summary.json")))
    }
}

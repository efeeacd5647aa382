import Foundation
import LockstepText

extension RunComparison {
    /// The comparison for programs.
    private struct Document: Encodable {
        struct Entry: Encodable {
            let directory: String
            let label: String
            /// The values of the keys that differ.
            let values: [String: String]
            let summary: RunSummary
        }

        let keys: [String]
        let runs: [Entry]
        /// The index of the best run on the validation samples.
        @OrNull var best: Int?
        /// The indices of the runs that differ in the seed alone.
        let groups: [[Int]]
    }

    /// The keys that differ, and of each run its directory, its values of these keys and its summary, as JSON.
    package func json() throws -> String {
        let entries = runs.indices.map { index in
            Document.Entry(
                directory: runs[index].directory.path, label: labels[index],
                values: (runs[index].values ?? [:]).filter { keys.contains($0.key) }, summary: runs[index].summary)
        }
        return try JSONEncoder.sorted(indented: true).text(
            Document(keys: keys, runs: entries, best: best, groups: groups))
    }
}

import LockstepData
import LockstepText

extension DatasetReport {
    /// What `lockstep data` prints about a data set: a line for it, and a line for each file.
    var lines: [String] {
        ["\(dataset.name): \(dataset.title), in \(directory)"]
            + files.map { file in
                let size = file.size.map { "\(grouped($0)) bytes" } ?? "-"
                return "  \(Self.text(file.status))  \(file.sha256 ?? "-")  \(size)  \(file.path)"
            }
    }

    /// What `lockstep data` prints about a data set that has not been fetched.
    var absenceLine: String {
        "\(dataset.name): \(dataset.title), not fetched; to fetch it, run \(dataset.fetchCommand)"
    }

    private static func text(_ status: DataFileReport.Status) -> String {
        switch status {
        case .ok: "ok      "
        case .missing: "missing "
        case .wrongDigest: "damaged "
        case .unreadable(let error): "unreadable (\(error))"
        }
    }
}

import ArgumentParser
import LockstepData

/// `lockstep data`.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Show which data sets are there and whether they are whole.",
        discussion: """
            Data sets lie in LOCKSTEP_CACHE, or in ~/.cache/lockstep.

            Examples:
              lockstep data             all known data sets
              lockstep data mnist       one of them
            """
    )

    @Argument(help: "A data set's name. (default: all)")
    var name: String?

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let cache = try DataCache()
        let names = name.map { [$0] } ?? KnownDataset.all.map(\.name)
        var incomplete: [DatasetReport] = []
        for name in names {
            let report = try cache.verify(name)
            show(report, on: console)
            if !report.isComplete { incomplete.append(report) }
        }
        if let report = incomplete.first {
            throw UsageError(
                "data set '\(report.dataset.name)' is not complete in \(report.directory); run \(report.dataset.script)",
                status: .noInput)
        }
    }

    private func show(_ report: DatasetReport, on console: Console) {
        console.result("\(report.dataset.name): \(report.dataset.title), in \(report.directory)")
        for file in report.files {
            let size = file.size.map { "\(grouped($0)) bytes" } ?? "-"
            console.result("  \(text(file.status))  \(file.sha256 ?? "-")  \(size)  \(file.path)")
        }
    }

    private func text(_ status: DataFileReport.Status) -> String {
        switch status {
        case .ok: "ok      "
        case .missing: "missing "
        case .wrongDigest: "damaged "
        case .unreadable(let error): "unreadable (\(error))"
        }
    }
}

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
              lockstep data mnist --export libsvm --split training > train.svm
            """
    )

    @Argument(help: "A data set's name. (default: all)")
    var name: String?

    enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
        case libsvm
    }

    @Option(help: "Print the samples for another program: libsvm (LIBSVM's svm-train and others).")
    var export: ExportFormat?

    @Option(
        help: "Which part of them to export: \(Split.allCases.map(\.rawValue).joined(separator: ", ")).")
    var split = Split.training

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        if export != nil {
            guard let name else { throw UsageError("--export needs a data set's name, such as mnist") }
            let dataset = try Dataset.load(try DataSource(argument: name), cache: try DataCache())
            for sample in dataset.samples(of: split) { console.result(dataset.libSVMLine(of: sample)) }
            return
        }
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

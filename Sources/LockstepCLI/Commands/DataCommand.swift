import ArgumentParser
import LockstepData

/// `lockstep data`.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Show which data sets are there and whether they are complete; describe and check a file.",
        usage: "lockstep data [<options>] [<name>|<path>]",
        discussion: """
            Data sets lie in the folder LOCKSTEP_CACHE, or in ~/.cache/lockstep. Any
            other file or folder is read as a run would read it: the samples, the
            classes and their numbers, what was found out about it, or its first fault.

            Examples:
              lockstep data
              lockstep data fashion-mnist
              lockstep data flowers.csv
              lockstep data pictures
              lockstep data mnist --export libsvm --split training > train.svm
            """
    )

    @Argument(
        help: "The name of a data set; a file, a folder or a run configuration. (default: all known data sets)",
        completion: .file())
    var name: String?

    enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
        case libsvm
    }

    @Option(help: "Print the samples for another program: libsvm (LIBSVM's svm-train and others).")
    var export: ExportFormat?

    @Option(
        help: "The split to export: \(Split.allCases.map(\.rawValue).joined(separator: ", ")).")
    var split = Split.training

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        if export != nil {
            guard let name else { throw CommandError(.usage, "--export needs the name of a data set, such as mnist") }
            let dataset = try DataSource(argument: name).load(cache: DataCache())
            try console.output(dataset.indices(of: split).lazy.map { dataset.libSVMLine(of: $0) })
            return
        }
        if let name, (try? KnownDataset.named(name)) == nil {
            let source = try DataSource(argument: name)
            let dataset = try source.load(cache: DataCache())
            return try console.output(DataDescription(dataset, source).lines)
        }
        let cache = DataCache()
        let names = name.map { [$0] } ?? KnownDataset.all.map(\.name)
        var reports: [DatasetReport] = []
        for name in names {
            let known = try KnownDataset.named(name)
            if let other = reports.first(where: { $0.dataset.folder == known.folder }) {
                try console.output("\(known.name): \(known.title), in the files of \(other.dataset.name)")
                continue
            }
            let report = try cache.verify(name)
            try console.output(report.isAbsent && self.name == nil ? [report.absenceLine] : report.lines)
            reports.append(report)
        }
        // A data set that has not been fetched is no fault where there is another one.
        let isUseful = reports.contains(where: \.isComplete)
        if let report = reports.first(where: { !$0.isComplete && !($0.isAbsent && isUseful) }) {
            throw CommandError(
                .missingInput,
                "data set '\(report.dataset.name)' is not complete in \(report.directory); run "
                    + report.dataset.fetchCommand)
        }
    }
}

import ArgumentParser
import Foundation
import LockstepArtifacts
import LockstepData
import LockstepSystem
import LockstepText

/// `lockstep report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Compare runs: in which keys they differ, what they came to, and their learning curves.",
        usage: "lockstep report [<options>] <runs> ...",
        discussion: """
            Prints a table with a row for each run; with --output, writes a page with
            the tables and charts instead. Runs that differ in training.seed alone are
            averaged too. A folder that is no run directory stands for the runs in it.
            Each run directory also has a report.html of its own.

            Examples:
              lockstep report runs/a runs/b
              lockstep report runs --output compared.html
            """
    )

    @Argument(help: "Run directories, or folders of them.", completion: .directory)
    var runs: [String]

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The page to write; -: standard output. (default: none; print a table)", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var output: String?

    @Option(help: "The title of the page.")
    var title = "Runs compared"

    @Option(
        help: ArgumentHelp(
            "A table to put above the chart: a row on each line, cells separated by tabs.", valueName: "file"),
        completion: .file())
    var table: String?

    @Option(
        help: ArgumentHelp("A text to put below the chart: a paragraph on each line.", valueName: "file"),
        completion: .file())
    var notes: String?

    @Flag(help: "Print the comparison as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let comparison = RunComparison(try directories().map { try RunComparison.Run($0) })
        if json { return try consoleOptions.console.output([try comparison.json()]) }
        guard let output else { return try consoleOptions.console.output(ComparisonText.lines(comparison)) }
        var sections: [ReportPage.Section] = []
        if let table {
            let rows = try lines(of: table).map {
                $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            sections.append(ReportPage.Section("Results", ReportPage.table(rows, hasHeader: true)))
        }
        sections += comparison.sections
        if let notes {
            let paragraphs = try lines(of: notes).map { "<p>\(escapedHTML($0))</p>" }
            sections.append(ReportPage.Section("Notes", paragraphs.joined(separator: "\n")))
        }
        let path = Console.path(output)
        try ReportPage(title: title, sections: sections).write(to: path)
        if !Console.isStandardOutput(path) { try consoleOptions.console.output(path) }
    }

    /// The run directories among the arguments, and those in the folders among them, sorted by name.
    private func directories() throws -> [RunDirectory] {
        try runs.flatMap { path -> [RunDirectory] in
            let directory = RunDirectory(existing: path)
            guard !directory.hasConfiguration, !directory.hasSummary, let names = try? names(in: path) else {
                return [directory]
            }
            let inside = names.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
                .map { RunDirectory(existing: path.hasSuffix("/") ? path + $0 : "\(path)/\($0)") }
                .filter(\.hasConfiguration)
            for run in inside where !run.hasSummary {
                consoleOptions.console.warning("\(run.path) has no summary.json, because it has not ended: left out")
            }
            let ended = inside.filter(\.hasSummary)
            guard !ended.isEmpty else {
                throw CommandError(
                    .missingInput, "\(path): neither the directory of a run nor a folder with runs that have ended")
            }
            return ended
        }
    }

    private func lines(of path: String) throws -> [String] {
        guard let bytes = try? InputFile(path: path).content(), let text = String(validating: bytes, as: UTF8.self)
        else {
            throw CommandError(.missingInput, "\(path): cannot be read as text; check the path")
        }
        return text.split(separator: "\n").map(String.init)
    }
}

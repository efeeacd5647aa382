import ArgumentParser
import LockstepArtifacts
import LockstepData
import LockstepText

/// `lockstep report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Put several runs on one page, with their learning curves in one chart.",
        usage: "lockstep report [<options>] <runs> ... --output <file>",
        discussion: """
            Each run directory has a report.html of its own; this page compares runs.

            Example:
              lockstep report runs/a runs/b --output compared.html
            """
    )

    @Argument(help: "Run directories.", completion: .directory)
    var runs: [String]

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The page to write; -: standard output.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var output: String

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

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let summaries = try runs.map { try RunSummary.load(RunDirectory(existing: $0)) }
        var sections: [ReportPage.Section] = []
        if let table {
            let rows = try lines(of: table).map {
                $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            sections.append(ReportPage.Section("Results", ReportPage.table(rows, hasHeader: true)))
        }
        if !summaries.isEmpty {
            sections.append(ReportPage.Section("Learning curves", RunReport.accuracyChart(summaries).svg))
        }
        if let notes {
            let paragraphs = try lines(of: notes).map { "<p>\(escapedHTML($0))</p>" }
            sections.append(ReportPage.Section("Notes", paragraphs.joined(separator: "\n")))
        }
        let path = Console.path(output)
        try ReportPage(title: title, sections: sections).write(to: path)
        if !Console.isStandardOutput(path) { try consoleOptions.console.output(path) }
    }

    private func lines(of path: String) throws -> [String] {
        guard let bytes = try? InputFile(path: path).content(), let text = String(validating: bytes, as: UTF8.self)
        else {
            throw CommandError(.missingInput, "\(path): cannot be read as text; check the path")
        }
        return text.split(separator: "\n").map(String.init)
    }
}

import ArgumentParser
import Foundation
import LockstepArtifacts

/// `lockstep report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Put several runs on one page, with their learning curves in one chart.",
        discussion: """
            Each run directory has a report.html of its own; this compares them. scripts/reproduce uses it.

            Example:
              lockstep report runs/a runs/b --output compared.html
            """
    )

    @Argument(help: "Run directories.")
    var runs: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("The page to write.", valueName: "file"))
    var output: String

    @Option(help: "The page's title.")
    var title = "Runs compared"

    @Option(
        help: ArgumentHelp("Rows for a table above the chart, a line each, cells separated by tabs.", valueName: "file")
    )
    var table: String?

    @Option(help: ArgumentHelp("A text for below the chart, a paragraph a line.", valueName: "file"))
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
        try ReportPage(title: title, sections: sections).write(to: output)
        consoleOptions.console.result(output)
    }

    private func lines(of path: String) throws -> [String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw UsageError("\(path): cannot read it as text; check the path", status: .noInput)
        }
        return text.split(separator: "\n").map(String.init)
    }
}

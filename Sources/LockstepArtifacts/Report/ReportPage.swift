import LockstepText

/// A page of HTML with sections, in one file.
package struct ReportPage {
    package struct Section {
        let title: String
        let html: String

        package init(_ title: String, _ html: String) {
            self.title = title
            self.html = html
        }
    }

    private let title: String
    private let sections: [Section]

    package init(title: String, sections: [Section]) {
        self.title = title
        self.sections = sections
    }

    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(escapedHTML(title)) - Lockstep</title>
        <style>
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; color: #222; }
        table { border-collapse: collapse; }
        th, td { text-align: left; padding: .15em 1.2em .15em 0; border-bottom: 1px solid #ddd; vertical-align: top;
                 overflow-wrap: anywhere; }
        pre { background: #f5f5f5; padding: 1em; overflow-x: auto; }
        svg { display: block; width: 100%; margin: 1em 0; }
        </style>
        <h1>\(escapedHTML(title))</h1>
        \(sections.map { "<h2>\(escapedHTML($0.title))</h2>\n\($0.html)" }.joined(separator: "\n"))
        </html>

        """
    }

    /// A table of cells; with `hasHeader`, the first row is the header.
    package static func table(_ rows: [[String]], hasHeader: Bool = false) -> String {
        let lines = rows.enumerated().map { index, cells in
            let tag = hasHeader && index == 0 ? "th" : "td"
            return "<tr>" + cells.map { "<\(tag)>\(escapedHTML($0))</\(tag)>" }.joined() + "</tr>"
        }
        return "<table>\n\(lines.joined(separator: "\n"))\n</table>"
    }
}

extension ReportPage {
    /// Writes the page; an existing file is replaced atomically.
    package func write(to path: String) throws(ArtifactError) {
        try AtomicFile.write(html, to: path)
    }
}

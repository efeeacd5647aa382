import LockstepText

/// A page of HTML with sections, in one file: it loads nothing, and has a light and a dark look.
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
    private let subtitle: String?
    private let reloadSeconds: Int?
    private let sections: [Section]

    /// - Parameters:
    ///   - title: The page's title.
    ///   - subtitle: A line below it; nil: none.
    ///   - reloadSeconds: After how many seconds a browser loads the page again; nil: it does not.
    ///   - sections: The sections, in their order; a section without content is left out.
    package init(title: String, subtitle: String? = nil, reloadSeconds: Int? = nil, sections: [Section]) {
        self.title = title
        self.subtitle = subtitle
        self.reloadSeconds = reloadSeconds
        self.sections = sections.filter { !$0.html.isEmpty }
    }

    package var html: String {
        let parts = sections.map { section in
            "<section>\n<h2>\(escapedHTML(section.title))</h2>\n\(section.html)\n</section>"
        }
        let reload = reloadSeconds.map { "\n<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">\(reload)
            <title>\(escapedHTML(title)) - Lockstep</title>
            <style>
            \(Self.style)
            </style>
            <h1>\(escapedHTML(title))</h1>
            \(subtitle.map { "<p class=\"subtitle\">\(escapedHTML($0))</p>" } ?? "")
            \(parts.joined(separator: "\n"))
            </html>

            """
    }

    /// A cell of a table.
    package struct Cell: ExpressibleByStringInterpolation {
        let text: String
        /// Whether the text is a number, which stands at the cell's right.
        let isNumber: Bool

        package init(_ text: String, isNumber: Bool = false) {
            self.text = text
            self.isNumber = isNumber
        }

        package init(stringLiteral value: String) {
            self.init(value)
        }
    }

    /// A table of texts; with `hasHeader`, the first row is the header.
    package static func table(_ rows: [[String]], hasHeader: Bool = false) -> String {
        table(rows.map { $0.map { Cell($0) } }, hasHeader: hasHeader)
    }

    /// A table of cells, which is scrolled where the page is too narrow.
    ///
    /// - Parameters:
    ///   - rows: The cells.
    ///   - hasHeader: Whether the first row is the header.
    ///   - marked: The row to emphasize, counted with the header; nil: none.
    /// - Returns: The table as HTML.
    package static func table(_ rows: [[Cell]], hasHeader: Bool = false, marked: Int? = nil) -> String {
        let lines = rows.enumerated().map { index, cells in
            let tag = hasHeader && index == 0 ? "th" : "td"
            let row = index == marked ? "<tr class=\"marked\">" : "<tr>"
            return row
                + cells.map { "<\(tag)\($0.isNumber ? " class=\"n\"" : "")>\(escapedHTML($0.text))</\(tag)>" }
                .joined() + "</tr>"
        }
        return "<div class=\"scroll\"><table>\n\(lines.joined(separator: "\n"))\n</table></div>"
    }

    /// Charts beside each other, or below each other where the page is narrow; charts without a curve are left out.
    package static func charts(_ charts: [LineChart]) -> String {
        let drawn = charts.map(\.svg).filter { !$0.isEmpty }
        return drawn.isEmpty ? "" : "<div class=\"charts\">\n\(drawn.joined(separator: "\n"))\n</div>"
    }
}

extension ReportPage {
    /// Writes the page; an existing file is replaced atomically.
    package func write(to path: String) throws(ArtifactError) {
        try AtomicFile.write(html, to: path)
    }
}

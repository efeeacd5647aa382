import LockstepText

/// Finds the column of a table's labels.
struct TableLabelChoice {
    /// The columns that may hold the labels.
    let candidates: Set<Int>
    private let head: TableHead
    private let configured: Int?

    /// - Throws: ``DataError`` if the table lacks the column that the configuration asks for, or has names and none of them is
    ///   a label's.
    init(_ head: TableHead, configured: LabelColumn?) throws(DataError) {
        self.head = head
        if let configured {
            let index = try head.index(of: configured)
            self.configured = index
            candidates = [index]
            return
        }
        let last = head.columnCount - 1
        guard let names = head.names else {
            self.configured = nil
            candidates = [0, last]
            return
        }
        let first = Self.isIndexName(names[0]) && last > 1 ? 1 : 0
        let found = Set([first, last].filter { TableHead.isLabelName(names[$0]) })
        guard found.count == 1, let index = found.first else {
            throw Self.question(
                head,
                found.isEmpty
                    ? "neither its first nor its last column is called \(TableHead.labelNames.joined(separator: ", "))"
                    : "both '\(names[first].printable)' and '\(names[last].printable)' may be its label")
        }
        self.configured = index
        candidates = found
    }

    /// The column, once all lines have been read.
    ///
    /// - Returns: Its index, and what the user should know about how it was found.
    /// - Throws: ``DataError`` if its values cannot be classes, or if several columns may be the label.
    func column(in survey: TableSurvey) throws(DataError) -> (index: Int, notice: String?) {
        if let configured {
            guard let reason = survey.labels[configured]?.refusal else { return (configured, nil) }
            throw DataError(
                .malformedTable("\(head.title(ofColumn: configured)) cannot be the label: it \(reason)"),
                subject: head.path, remedy: "set data.label to another column: first, last, its number or its name")
        }
        let plausible = candidates.filter { survey.labels[$0]?.isPlausible == true }
        guard plausible.count == 1, let index = plausible.first else {
            throw Self.question(
                head,
                plausible.isEmpty
                    ? "it has no header, and neither its first nor its last column looks like classes"
                    : "it has no header, and both its first and its last column may be its label")
        }
        let texts = survey.labels[index]?.texts.sorted().prefix(4).map { $0.printable(limit: 20) } ?? []
        let place = index == 0 ? "first" : "last"
        return (
            index,
            "\(head.path.printableName): its \(place) column is the label, with \(texts.joined(separator: ", "))"
                + "\((survey.labels[index]?.texts.count ?? 0) > texts.count ? ", ..." : ""); data.label names another"
        )
    }

    private static func question(_ head: TableHead, _ reason: String) -> DataError {
        DataError(
            .malformedTable("which column is the label? \(reason)"), subject: head.path,
            remedy: "set data.label to first, last, a column's number or its name; there are \(head.list)")
    }

    /// Whether a first column of this name is the running number that pandas writes: without a name, and named again when
    /// the file is read and written once more.
    static func isIndexName(_ name: String) -> Bool { name.isEmpty || name.hasPrefix("Unnamed: 0") }
}

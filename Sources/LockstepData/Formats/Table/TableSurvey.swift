import LockstepSystem
import LockstepText

/// The first reading of a table: counts its lines and finds what each column has.
final class TableSurvey {
    /// What a column has.
    struct Column {
        var numbers = 0
        var texts = 0
        var missing = 0
        /// Whether all numbers are whole and from 0 to 255.
        var holdsBytes = true
        /// Whether all numbers lie between 0 and 1.
        var isUnitInterval = true
        var largest: Float = -.infinity
        /// The place of the first text, and of the first number that float32 cannot hold.
        var firstText: Fault?
        var firstInfinity: Fault?

        /// Whether it is a column of numbers, in which a text is a fault: texts are not the majority.
        var isNumeric: Bool { numbers > 0 && numbers >= texts }
    }

    /// A field that does not belong in its column.
    struct Fault {
        let line: Int
        let text: String
    }

    let head: TableHead
    private(set) var sampleCount = 0
    private(set) var columns: [Column]
    /// The labels of each column that may hold them, by the column's index.
    private(set) var labels: [Int: TableLabels]
    /// The numbers to learn, one a sample; empty where the samples have classes.
    private(set) var targets: [Float] = []
    /// Whether the first column counts the lines, from any number on.
    private(set) var firstColumnRuns = true
    /// The number in the first column of the first sample.
    private(set) var firstNumber: Float?

    /// Reads all lines.
    ///
    /// - Parameters:
    ///   - head: The first lines.
    ///   - labelColumns: The columns that may hold the labels.
    ///   - targetColumn: The column of the numbers to learn; nil: the samples have classes.
    /// - Throws: ``DataError`` for the first line that is damaged or has another number of fields.
    init(_ head: TableHead, labelColumns: Set<Int>, targetColumn: Int? = nil) throws(DataError) {
        self.head = head
        let statistics = UnsafeMutableBufferPointer<Column>.allocate(capacity: head.columnCount)
        statistics.initialize(repeating: Column())
        defer {
            statistics.deinitialize()
            statistics.deallocate()
        }
        columns = []
        labels = Dictionary(uniqueKeysWithValues: labelColumns.map { ($0, TableLabels()) })
        let candidates = labelColumns.sorted().map { ($0 + 1, labels[$0] ?? TableLabels()) }
        for (column, found) in candidates { labels[column - 1] = found }
        let isCandidate = (0..<head.columnCount).map { labelColumns.contains($0) }
        var (runs, firstNumber) = (true, Float?.none)
        try Self.walk(head) { index, column, field, input throws(DataError) in
            if let targetColumn, column == targetColumn + 1 { try addTarget(field, column, input) }
            if isCandidate[column - 1] {
                for (candidate, found) in candidates where candidate == column { found.add(field, input) }
            }
            let place = statistics.baseAddress.map { $0 + (column - 1) }
            guard let place else { return }
            guard let number = tableNumber(field, decimalMark: input.decimalMark) else {
                if column == 1 { runs = false }
                if isMissing(field) {
                    place.pointee.missing += 1
                } else {
                    place.pointee.texts += 1
                    if place.pointee.firstText == nil { place.pointee.firstText = Self.fault(field, input) }
                }
                return
            }
            place.pointee.numbers += 1
            if column == 1 {
                if index == 0 { firstNumber = number }
                runs = runs && firstNumber.map { $0 + Float(index) == number } == true
            }
            if place.pointee.holdsBytes, !(number >= 0 && number <= 255 && number.rounded() == number) {
                place.pointee.holdsBytes = false
            }
            if !(number >= 0 && number <= 1) {
                place.pointee.isUnitInterval = false
                if !number.isFinite, place.pointee.firstInfinity == nil {
                    place.pointee.firstInfinity = Self.fault(field, input)
                }
            }
            if number > place.pointee.largest { place.pointee.largest = number }
        } line: { samples in
            sampleCount = samples
        }
        guard sampleCount > 0 else { throw DataError(.noSamples, subject: head.path) }
        columns = Array(statistics)
        firstColumnRuns = runs && sampleCount > 1
        self.firstNumber = firstNumber
    }

    private func addTarget(
        _ field: UnsafeBufferPointer<UInt8>, _ column: Int, _ input: TableInput
    ) throws(DataError) {
        guard let number = tableNumber(field, decimalMark: input.decimalMark), number.isFinite else {
            throw input.malformed(
                isMissing(field)
                    ? "the target is missing"
                    : "the target '\(String(printable: field, limit: TableHead.quotedLength))' is not a number",
                column: column, remedy: "fill it in, or remove the line")
        }
        targets.append(number)
    }

    private static func fault(_ field: UnsafeBufferPointer<UInt8>, _ input: TableInput) -> Fault {
        Fault(line: input.line, text: String(printable: field, limit: TableHead.quotedLength))
    }

    /// Reads all samples of a file.
    ///
    /// Calls `body` with the sample's index, the column from 1 and each field, and `line` with the number of samples after
    /// each line.
    ///
    /// - Throws: ``DataError`` that names the first fault, or an error of the closures.
    @inline(__always)
    static func walk(
        _ head: TableHead,
        body: (
            _ sample: Int, _ column: Int, _ field: UnsafeBufferPointer<UInt8>, _ input: TableInput
        ) throws(DataError) -> Void,
        line: (_ samples: Int) throws(DataError) -> Void = { _ in }
    ) throws(DataError) {
        let input = try head.source.open()
        if head.names != nil { _ = try input.readLine { _, _ in } }
        let columnCount = head.columnCount
        var sample = 0
        while true {
            let columns = try input.readLine { column, field throws(DataError) in
                if column <= columnCount { try body(sample, column, field, input) }
            }
            if columns == 0 { return }
            guard columns == columnCount else {
                throw input.malformed(
                    "\(columns) fields, where the first line has \(columnCount)",
                    remedy: "give every line a label and all values")
            }
            sample += 1
            guard sample <= IDXHeader.largestCount else {
                throw DataError(
                    .tooLarge(what: "the number of samples", found: sample, limit: IDXHeader.largestCount),
                    subject: head.path)
            }
            try line(sample)
        }
    }
}

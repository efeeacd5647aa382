import LockstepText

/// The labels of a table's column: each different text, and which of them each sample has.
final class TableLabels {
    /// The most different texts that are remembered.
    private static let largestCount = 65_536

    /// The different texts in the order in which they come.
    private(set) var texts: [String] = []
    /// The number that each of them is; nil for one that is no number.
    private(set) var numbers: [Float?] = []
    /// The index of each sample's text.
    private(set) var indices: [Int32] = []
    /// How many samples have each text.
    private(set) var counts: [Int] = []
    /// The first line whose label is missing; nil if there is none.
    private(set) var missingLine: Int?
    /// The line of each text's first sample.
    private(set) var lines: [Int] = []
    /// Whether there were too many different texts to remember.
    private(set) var isOverflowing = false
    private var index: [String: Int32] = [:]

    func add(_ field: UnsafeBufferPointer<UInt8>, _ input: TableInput) {
        guard !isOverflowing else { return }
        if isMissing(field), missingLine == nil { missingLine = input.line }
        let text = String(decoding: field, as: UTF8.self)
        if let known = index[text] {
            indices.append(known)
            counts[Int(known)] += 1
            return
        }
        guard texts.count < Self.largestCount else {
            isOverflowing = true
            return
        }
        let new = Int32(texts.count)
        index[text] = new
        texts.append(text)
        numbers.append(tableNumber(field, decimalMark: input.decimalMark))
        counts.append(1)
        lines.append(input.line)
        indices.append(new)
    }

    /// The number of samples.
    private var count: Int { indices.count }

    private var wholeNumbers: [Int]? {
        var whole: [Int] = []
        for number in numbers {
            guard let number, let exact = Int(exactly: number) else { return nil }
            whole.append(exact)
        }
        return whole
    }

    /// Whether classes can be told by these labels without being asked for: texts, or few whole numbers.
    var isPlausible: Bool {
        guard refusal == nil, missingLine == nil else { return false }
        if let whole = wholeNumbers {
            return whole.allSatisfy { $0 >= -1 } && texts.count <= 100 && 2 * texts.count <= count
        }
        return numbers.allSatisfy { $0 == nil }
    }

    /// Whether they are texts, at least most of them.
    var isText: Bool { numbers.count { $0 == nil } * 2 > numbers.count }

    /// Why they cannot be classes; nil if they can.
    var refusal: String? {
        if isOverflowing { return "has more than \(grouped(Self.largestCount)) different values" }
        if texts.count == 1, count > 1 { return "is '\(texts[0].printable(limit: 40))' in every line" }
        let isLarge = count >= 20
        if let whole = wholeNumbers {
            let isRunning = texts.count == count && zip(whole, whole.dropFirst()).allSatisfy { $0 + 1 == $1 }
            if isRunning, isLarge { return "counts the lines" }
            if isLarge, texts.count * 2 > count {
                return "has \(grouped(texts.count)) different numbers in \(grouped(count)) lines, as measurements have"
            }
        } else if let index = numbers.firstIndex(where: { $0 != nil && $0.flatMap(Int.init(exactly:)) == nil }), !isText
        {
            return
                "has the value '\(texts[index].printable(limit: 40))', which is a measurement and not the number of a class"
        } else if isLarge, texts.count * 2 > count || texts.count > 1_000 {
            return "has \(grouped(texts.count)) different texts in \(grouped(count)) lines"
        }
        return nil
    }
}

/// The classes of a table's labels.
struct TableClasses {
    /// Their names; nil: their numbers from 0.
    let names: [String]?
    let count: Int
    /// The class of each label.
    private let byText: [String: UInt16]

    /// Numbers the classes.
    ///
    /// Whole numbers that begin at 0 are the classes' numbers. Other numbers are sorted by their value and texts by their bytes,
    /// and are the classes' names.
    ///
    /// - Parameters:
    ///   - labels: The labels of each file, with its path.
    ///   - column: The label's column, from 1.
    ///   - known: The names of the classes 0, 1, ..., if the file has them; nil: it has none.
    /// - Throws: ``DataError`` for a label that is missing or cannot be the number of a class.
    init(
        _ labels: [(labels: TableLabels, path: String)], column: Int, known: [String]? = nil
    ) throws(DataError) {
        var numbers: [String: Float?] = [:]
        for (labels, path) in labels {
            if let line = labels.missingLine {
                throw Self.fault("the label is missing", line, column, path, "fill it in, or remove the line")
            }
            for (text, number) in zip(labels.texts, labels.numbers) { numbers[text] = number }
        }
        let isText = numbers.values.count { $0 == nil } * 2 > numbers.count
        guard !isText else {
            let names = numbers.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            self.names = names
            count = names.count
            byText = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, UInt16(truncatingIfNeeded: $0)) })
            return
        }
        var whole: [String: Int] = [:]
        for (labels, path) in labels {
            for (index, text) in labels.texts.enumerated() {
                guard let number = labels.numbers[index], let exact = Int(exactly: number),
                    abs(exact) <= Int(UInt16.max)
                else {
                    throw Self.fault(
                        "the label '\(text.printable(limit: TableHead.quotedLength))' is not the number of a class",
                        labels.lines[index], column, path,
                        "number the classes (at most \(UInt16.max)), or name the label's column with data.label")
                }
                whole[text] = exact
            }
        }
        let different = Set(whole.values).sorted()
        if different.first == 0 {
            let numbered = max(2, (different.last ?? 0) + 1)
            names = known.flatMap { $0.count >= numbered ? $0 : nil }
            count = names?.count ?? numbered
            byText = whole.mapValues { UInt16(truncatingIfNeeded: $0) }
        } else {
            names = different.map(String.init)
            count = max(2, different.count)
            let places = Dictionary(
                uniqueKeysWithValues: different.enumerated().map { ($1, UInt16(truncatingIfNeeded: $0)) })
            byText = whole.mapValues { places[$0] ?? 0 }
        }
    }

    /// The class of each sample with these labels.
    func classes(of labels: TableLabels) -> [UInt16] {
        let classes = labels.texts.map { byText[$0] ?? 0 }
        return labels.indices.map { classes[Int($0)] }
    }

    private static func fault(
        _ text: String, _ line: Int, _ column: Int, _ path: String, _ remedy: String
    ) -> DataError {
        var error = DataError(.malformedTable(text), subject: path, remedy: remedy)
        (error.line, error.column) = (line, column)
        return error
    }
}

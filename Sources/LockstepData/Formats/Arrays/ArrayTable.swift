import LockstepText

/// Arrays of a numpy file as a table: a row of values and, in the last column, the label.
///
/// Everything that holds for tables then holds for arrays: labels by name, standardisation by the training samples, missing values,
/// numbers to learn, and models that prepare other files in the same way.
final class ArrayTable {
    /// A part of the samples, if the names of the arrays tell parts apart.
    enum Part: CaseIterable {
        case training, validation, test
    }

    /// The samples that a table has.
    enum Selection {
        /// Those for training and validation.
        case training
        case test
        case all
    }

    /// One part's arrays.
    private struct Rows {
        let inputs: NumericArray
        /// Nil: the samples have no labels, as those that a model predicts.
        let labels: NumericArray?
    }

    let path: String
    /// In order: the training samples, then the validation samples.
    private let parts: [Rows]
    private let testRows: Rows?
    /// The names of the columns; nil: the columns are found by their places.
    private let names: [String]?
    /// The name of each class that a label is the number of; nil: labels are what they are.
    private let classNames: [String]?
    /// The number of samples that the file sets aside for validation; nil: it does not say.
    let validationCount: Int?
    /// Whether the file sets samples aside for the test.
    var hasTest: Bool { testRows != nil }

    static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: NPYHeader.magic) || bytes.starts(with: NPZFileReader.magic)
    }

    /// Reads two numpy files: samples and their labels.
    ///
    /// - Throws: ``DataError`` that names the file and the fault.
    init(path: String, labels labelPath: String) throws(DataError) {
        self.path = path
        let inputs = try Self.checked(try Self.array(ofFile: path), path)
        let labels = try Self.array(ofFile: labelPath)
        guard labels.rowSize == 1, labels.rowCount == inputs.rowCount else {
            throw DataError(
                .malformedArray("its shape is \(labels.header.shape), and there are \(inputs.rowCount) samples"),
                subject: labelPath, remedy: "give one label a sample")
        }
        parts = [Rows(inputs: inputs, labels: labels)]
        names = (0..<inputs.rowSize).map { "x\($0)" } + ["label"]
        (testRows, classNames, validationCount) = (nil, nil, nil)
    }

    /// Reads the arrays of an archive, or of one numpy file.
    ///
    /// - Throws: ``DataError`` that names the array and the fault, or the arrays that there are.
    init(path: String) throws(DataError) {
        self.path = path
        let archive = try Self.isArchive(path) ? NPZFileReader(path: path) : nil
        guard let archive else {
            let array = try Self.array(ofFile: path)
            parts = [Rows(inputs: try Self.checked(array, path), labels: nil)]
            (testRows, names, classNames, validationCount) = (nil, nil, nil, nil)
            return
        }
        let found = try ArrayNames(archive.names, path: path)
        func rows(_ part: Part) throws(DataError) -> Rows? {
            guard let name = found.inputs[part], let inputs = try archive.array(name) else { return nil }
            let labels = try found.labels[part].flatMap { (name) throws(DataError) in try archive.array(name) }
            if let labels {
                guard labels.rowSize == 1, labels.rowCount == inputs.rowCount else {
                    throw DataError(
                        .malformedArray(
                            "'\(name)' has \(inputs.rowCount) samples, and their labels the shape \(labels.header.shape)"
                        ),
                        subject: path, remedy: "give one label a sample")
                }
            }
            return Rows(inputs: try Self.checked(inputs, path), labels: labels)
        }
        guard let training = try rows(.training) else { throw found.noInputs }
        let validation = try rows(.validation)
        testRows = try rows(.test)
        parts = [training] + (validation.map { [$0] } ?? [])
        validationCount = validation?.inputs.rowCount
        for other in parts.dropFirst() + (testRows.map { [$0] } ?? []) {
            guard other.inputs.rowSize == training.inputs.rowSize, (other.labels == nil) == (training.labels == nil)
            else {
                throw DataError(
                    .imageSizeMismatch(training: training.inputs.rowSize, test: other.inputs.rowSize), subject: path)
            }
        }
        let features = try found.featureNames.flatMap { (name) throws(DataError) in try archive.array(name) }
        names = Self.columnNames(found, training, features)
        let classes = try found.classNames.flatMap { (name) throws(DataError) in try archive.array(name) }
        classNames = classes.flatMap { array in
            guard array.header.element.isText, array.header.shape.count == 1 else { return nil }
            return (0..<array.rowCount).map { array.string(at: $0) }
        }
    }

    private static func isArchive(_ path: String) throws(DataError) -> Bool {
        try beginning(of: path).starts(with: NPZFileReader.magic)
    }

    /// The first bytes of a file.
    static func beginning(of path: String) throws(DataError) -> [UInt8] {
        let file = try InputFile(path: path)
        var start = [UInt8](repeating: 0, count: 8)
        let count = try start.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
            try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        return Array(start[..<count])
    }

    private static func array(ofFile path: String) throws(DataError) -> NumericArray {
        let file = try InputFile(path: path)
        guard file.size <= NPYHeader.largestPayload else {
            throw DataError(
                .tooLarge(what: "the file's size", found: file.size, limit: NPYHeader.largestPayload), subject: path)
        }
        let content = try file.content()
        let header = try NPYHeader(content[...], subject: path)
        guard content.count == header.byteCount + header.payloadSize else {
            throw DataError(
                .truncated(declared: header.byteCount + header.payloadSize, found: content.count), subject: path)
        }
        return NumericArray(header, bytes: Array(content[header.byteCount...]))
    }

    /// Refuses arrays that are no samples.
    private static func checked(_ array: NumericArray, _ path: String) throws(DataError) -> NumericArray {
        guard !array.header.shape.isEmpty, array.rowCount > 0, array.rowSize > 0 else {
            throw DataError(.noSamples, subject: path)
        }
        guard array.rowSize <= TableHead.largestInputSize else {
            throw DataError(
                .tooLarge(
                    what: "the number of values of a sample", found: array.rowSize, limit: TableHead.largestInputSize),
                subject: path)
        }
        return array
    }

    /// The columns' names: those that the archive has, or numbered ones, and the label's.
    private static func columnNames(_ found: ArrayNames, _ rows: Rows, _ features: NumericArray?) -> [String]? {
        let size = rows.inputs.rowSize
        let given = features.flatMap { array -> [String]? in
            guard array.header.element.isText, array.rowCount * array.rowSize == size else { return nil }
            let names = (0..<size).map { array.string(at: $0) }
            return Set(names).count == size && names.allSatisfy { !$0.isEmpty } ? names : nil
        }
        guard rows.labels != nil || given != nil else { return nil }
        let names = given ?? (0..<size).map { "x\($0)" }
        return names + (rows.labels == nil ? [] : [found.labelColumn])
    }

    /// The table's text.
    ///
    /// - Parameter samples: Which samples are meant.
    /// - Returns: A function that fills memory with the next bytes, and returns their number.
    func makeSource(_ samples: Selection) -> (UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        let testParts = testRows.map { [$0] } ?? []
        let parts =
            switch samples {
            case .training: self.parts
            case .test: testParts
            case .all: self.parts + testParts
            }
        var text: [UInt8] = names.map { line(of: $0) } ?? []
        var (position, part, row) = (0, 0, 0)
        return { [self] (target) throws(DataError) in
            while position == text.count {
                guard part < parts.count else { return 0 }
                text.removeAll(keepingCapacity: true)
                position = 0
                appendRow(row, of: parts[part], to: &text)
                row += 1
                if row == parts[part].inputs.rowCount { (part, row) = (part + 1, 0) }
            }
            let count = min(target.count, text.count - position)
            text.withUnsafeBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
            }
            position += count
            return count
        }
    }

    private func line(of fields: [String]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            Self.append(field, to: &line)
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private func appendRow(_ row: Int, of rows: Rows, to line: inout [UInt8]) {
        let isText = rows.inputs.header.element.isText
        for value in 0..<rows.inputs.rowSize {
            if value > 0 { line.append(UInt8(ascii: ",")) }
            if isText {
                Self.append(rows.inputs.string(at: row * rows.inputs.rowSize + value), to: &line)
            } else {
                rows.inputs.append(row, value, to: &line)
            }
        }
        if let labels = rows.labels {
            line.append(UInt8(ascii: ","))
            if let classNames, let index = labels.index(row), index < classNames.count {
                Self.append(classNames[index], to: &line)
            } else if labels.header.element.isText {
                Self.append(labels.string(at: row), to: &line)
            } else {
                labels.append(row, 0, to: &line)
            }
        }
        line.append(UInt8(ascii: "\n"))
    }

    /// Appends a text in quotes, on one line.
    private static func append(_ field: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        for byte in field.utf8 {
            switch byte {
            case UInt8(ascii: "\""): line += [byte, byte]
            case 0x0A, 0x0D: line.append(UInt8(ascii: " "))
            default: line.append(byte)
            }
        }
        line.append(UInt8(ascii: "\""))
    }
}

/// What the arrays of an archive are for, by their names: `X` and `y`, `x_train` and `y_test`, `train_images` and `val_labels`,
/// `data` and `target`, or `arr_0` and `arr_1`.
struct ArrayNames {
    private(set) var inputs: [ArrayTable.Part: String] = [:]
    private(set) var labels: [ArrayTable.Part: String] = [:]
    /// The arrays of the columns' names and of the classes' names.
    private(set) var featureNames: String?
    private(set) var classNames: String?
    /// What the label's column is called.
    private(set) var labelColumn = "label"
    /// The error where no array is of samples.
    let noInputs: DataError

    private static let inputWords = ["x", "data", "input", "inputs", "image", "images", "features", "samples", "arr 0"]
    private static let labelWords = [
        "y", "label", "labels", "target", "targets", "class", "classes", "species", "arr 1",
    ]
    private static let featureWords = ["feature names", "columns", "column names"]
    private static let classWords = ["target names", "class names", "label names", "classes names"]
    private static let partWords: [String: ArrayTable.Part] = [
        "train": .training, "training": .training, "val": .validation, "valid": .validation, "validation": .validation,
        "test": .test, "testing": .test,
    ]

    /// - Throws: ``DataError`` if two arrays have one meaning.
    init(_ names: [String], path: String) throws(DataError) {
        let list = names.prefix(12).map { $0.printable(limit: 40) }.joined(separator: ", ")
        let remedy = "call the samples X and their labels y, or x_train, y_train, x_test and y_test; there are \(list)"
        noInputs = DataError(.malformedArray("no array is known to hold the samples"), subject: path, remedy: remedy)
        for name in names {
            var words = name.lowercased().split { "_- .".contains($0) }.map(String.init)
            var part = ArrayTable.Part.training
            if let index = words.firstIndex(where: { Self.partWords[$0] != nil }) {
                part = Self.partWords[words[index]] ?? .training
                words.remove(at: index)
            } else if let last = words.last, words.count == 1 {
                // xtrain, ytest.
                for (word, meant) in Self.partWords where last.hasSuffix(word) && last.count == word.count + 1 {
                    (words, part) = ([String(last.prefix(1))], meant)
                }
            }
            let word = words.joined(separator: " ")
            func store(_ place: inout [ArrayTable.Part: String]) throws(DataError) {
                if let other = place.updateValue(name, forKey: part) {
                    throw DataError(
                        .malformedArray("'\(other)' and '\(name.printable(limit: 40))' seem to be the same"),
                        subject: path,
                        remedy: remedy)
                }
            }
            if Self.inputWords.contains(word) {
                try store(&inputs)
            } else if Self.labelWords.contains(word) {
                try store(&labels)
                if TableHead.isLabelName(word) { labelColumn = word }
            } else if Self.featureWords.contains(word) {
                featureNames = name
            } else if Self.classWords.contains(word) {
                classNames = name
            }
        }
    }
}

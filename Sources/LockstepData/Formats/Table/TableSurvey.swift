import LockstepSystem

/// A table, read once to learn how many samples it has and what its values are like, and to find every fault in it.
struct TableSurvey {
    let path: String
    let shape: TableShape
    let sampleCount: Int
    let highestLabel: Int
    /// Whether all values are whole numbers from 0 to 255.
    let holdsBytes: Bool
    private let largest: Float

    init(_ path: String, label: LabelColumn) throws(DataError) {
        let shape = try TableShape(path: path, label: label)
        var highestLabel = 0
        var holdsBytes = true
        var largest: Float = 0
        sampleCount = try Self.walk(path, shape) { _, _, value, _ in
            holdsBytes = holdsBytes && value >= 0 && value <= 255 && value.rounded() == value
            largest = max(largest, value)
        } label: { _, label, _ in
            highestLabel = max(highestLabel, Int(label))
        }
        guard sampleCount > 0 else { throw DataError(.noSamples, subject: path) }
        self.path = path
        self.shape = shape
        self.highestLabel = highestLabel
        self.holdsBytes = holdsBytes
        self.largest = largest
    }

    /// Whether the values look like the pixels of pictures: bytes, and not only the small ones of flags and counts.
    var looksLikePixels: Bool { holdsBytes && largest >= 128 }

    /// Writes all samples from number `first` of a data set on, of its element type, divided by `scale`.
    func read(
        into builder: borrowing DatasetBuilder, at first: Int, element: DatasetElement, scale: Double
    ) throws(DataError) {
        let inputSize = shape.inputSize
        let bytes = builder.features
        let floats = bytes.assumingMemoryBound(to: Float.self)
        let labels = builder.labels
        let divisor = Float(scale)
        let count = try Self.walk(path, shape) { sample, index, value, input throws(DataError) in
            // A file that changes between the two readings must not write beyond the end.
            guard sample < sampleCount else { throw changed }
            let place = (first + sample) * inputSize + index
            switch element {
            case .uint8:
                guard let byte = UInt8(exactly: value) else { throw changed }
                bytes[place] = byte
            case .float32:
                let scaled = value / divisor
                guard scaled.isFinite else {
                    throw input.malformed("\(value) / \(scale) is beyond what float32 holds")
                }
                floats[place] = scaled
            }
        } label: { sample, label, _ throws(DataError) in
            guard sample < sampleCount else { throw changed }
            labels[first + sample] = label
        }
        guard count == sampleCount else { throw changed }
    }

    private var changed: DataError { DataError(.malformedTable("it changed while it was read"), subject: path) }

    /// Reads all samples of a file.
    ///
    /// `value` is called with each sample's number, the value's number in it and the value, which is finite; `label` with
    /// the sample's number and its label.
    ///
    /// - Returns: The number of samples.
    /// - Throws: ``DataError`` that names the first fault, or what the closures throw.
    @inline(__always)
    private static func walk(
        _ path: String, _ shape: TableShape,
        value: (_ sample: Int, _ index: Int, _ value: Float, _ input: TableInput) throws(DataError) -> Void,
        label: (_ sample: Int, _ label: UInt16, _ input: TableInput) throws(DataError) -> Void
    ) throws(DataError) -> Int {
        let input = try TableInput(path: path)
        if shape.hasHeader { _ = try input.readLine { _, _ in } }
        var sample = 0
        while true {
            let columns = try input.readLine { column, field throws(DataError) in
                if column == shape.labelColumn {
                    try label(sample, try Self.label(field, column, input), input)
                } else if column <= shape.columnCount {
                    let index = column < shape.labelColumn ? column - 1 : column - 2
                    try value(sample, index, try Self.value(field, column, input), input)
                }
            }
            if columns == 0 { return sample }
            guard columns == shape.columnCount else {
                throw input.malformed(
                    "\(columns) fields, where the first line has \(shape.columnCount)",
                    remedy: "give every line a label and all values")
            }
            sample += 1
            guard sample <= IDXHeader.largestCount else {
                throw DataError(
                    .tooLarge(what: "the number of samples", found: sample, limit: IDXHeader.largestCount),
                    subject: path)
            }
        }
    }

    @inline(__always)
    private static func value(
        _ field: UnsafeBufferPointer<UInt8>, _ column: Int, _ input: TableInput
    ) throws(DataError) -> Float {
        guard let value = tableNumber(field), value.isFinite else { throw refusal(of: field, column, input) }
        return value
    }

    @inline(__always)
    private static func label(
        _ field: UnsafeBufferPointer<UInt8>, _ column: Int, _ input: TableInput
    ) throws(DataError) -> UInt16 {
        guard let value = tableNumber(field), let label = UInt16(exactly: value) else {
            throw input.malformed(
                field.isEmpty ? "the label is missing" : "the label '\(quoted(field))' is no class's number",
                column: column,
                remedy: "number the classes from 0 (at most \(UInt16.max)), or name the label's column with data.label")
        }
        return label
    }

    private static func refusal(of field: UnsafeBufferPointer<UInt8>, _ column: Int, _ input: TableInput) -> DataError {
        if field.isEmpty { return input.malformed("a value is missing", column: column, remedy: "fill it in") }
        let isNumber = tableNumber(field) != nil
        return input.malformed(
            isNumber ? "'\(quoted(field))' is beyond what float32 holds" : "'\(quoted(field))' is no number",
            column: column, remedy: isNumber ? nil : "write numbers, with a point before the decimals")
    }

    private static func quoted(_ field: UnsafeBufferPointer<UInt8>) -> String {
        String(printable: field, limit: TableShape.quotedLength)
    }
}

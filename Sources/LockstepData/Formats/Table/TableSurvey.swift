import LockstepSystem
import LockstepText

/// The first reading of a table: counts its samples, examines its values and finds every fault.
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

    /// Whether the values look like pixels: bytes, at least one of them above 127. Flags and counts are small bytes.
    var looksLikePixels: Bool { holdsBytes && largest >= 128 }

    /// The second reading: writes all samples to a data set, from index `first` on, divided by `scale`.
    func read(
        into builder: borrowing DatasetBuilder, at first: Int, element: DatasetElement, scale: Double
    ) throws(DataError) {
        let inputSize = shape.inputSize
        let bytes = builder.features
        let floats = bytes.assumingMemoryBound(to: Float.self)
        let labels = builder.labels
        let divisor = Float(scale)
        let count = try Self.walk(path, shape) { sample, index, value, input throws(DataError) in
            // The file may have changed since the first reading: never write beyond its samples.
            guard sample < sampleCount else { throw changed }
            let place = (first + sample) * inputSize + index
            switch element {
            case .uint8:
                guard let byte = UInt8(exactly: value) else { throw changed }
                bytes[place] = byte
            case .float32:
                let scaled = value / divisor
                guard scaled.isFinite else {
                    throw input.malformed("\(value) / \(scale) is too large for float32")
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
    /// Calls `value` with the sample's index, the value's index in the sample and the value, which is finite; calls
    /// `label` with the sample's index and its label.
    ///
    /// - Returns: The number of samples.
    /// - Throws: ``DataError`` that names the first fault, or an error of the closures.
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
                field.isEmpty ? "the label is missing" : "the label '\(quoted(field))' is not the number of a class",
                column: column,
                remedy: "number the classes from 0 (at most \(UInt16.max)), or name the label's column with data.label")
        }
        return label
    }

    private static func refusal(of field: UnsafeBufferPointer<UInt8>, _ column: Int, _ input: TableInput) -> DataError {
        if field.isEmpty { return input.malformed("a value is missing", column: column, remedy: "fill it in") }
        let isNumber = tableNumber(field) != nil
        return input.malformed(
            isNumber ? "'\(quoted(field))' is too large for float32" : "'\(quoted(field))' is not a number",
            column: column, remedy: isNumber ? nil : "write numbers, with a point before the decimals")
    }

    private static func quoted(_ field: UnsafeBufferPointer<UInt8>) -> String {
        String(printable: field, limit: TableShape.quotedLength)
    }
}

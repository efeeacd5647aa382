import LockstepText

/// The last reading of a table: writes its values to a data set, numbers as they are and a missing one as NaN.
struct TableWriter {
    private let element: DatasetElement
    private let inputSize: Int
    /// The first value that each column gives; -1: none.
    private let offsets: [Int]
    /// The values of a category column's texts; nil for a column of numbers.
    private let categories: [[String: Int]?]
    /// The value of a category column that is 1 where the text is missing; -1: none.
    private let missing: [Int]

    init(_ outline: TableOutline) {
        element = outline.element
        inputSize = outline.preparation.inputSize
        var offsets: [Int] = []
        var categories: [[String: Int]?] = []
        var missing: [Int] = []
        var end = 0
        for column in outline.preparation.columns {
            offsets.append(column.width == 0 && column.categories == nil ? -1 : end)
            categories.append(
                column.categories.map { Dictionary($0.enumerated().map { ($1, $0) }) { first, _ in first } })
            missing.append(column.hasMissing == true ? column.categories?.count ?? -1 : -1)
            end += column.width
        }
        (self.offsets, self.categories, self.missing) = (offsets, categories, missing)
    }

    /// Writes the samples of a file to their places, from index `first` on.
    func write(
        _ table: TableFile, _ order: TableOrder, at first: Int, to builder: borrowing DatasetBuilder
    ) throws(DataError) {
        let bytes = builder.features
        let floats = bytes.assumingMemoryBound(to: Float.self)
        let sampleCount = table.sampleCount
        var written = 0
        // The file may have changed since it was surveyed: never write beyond its samples.
        let changed = DataError(.malformedTable("it changed while it was read"), subject: table.head.path)
        let offsets = table.columns.map { self.offsets[$0] }
        let isCategory = table.columns.map { categories[$0] != nil }
        try TableSurvey.walk(table.head) { sample, column, field, input throws(DataError) in
            guard sample < sampleCount else { throw changed }
            let offset = offsets[column - 1]
            guard offset >= 0 else { return }
            let place = (first + order.place(of: sample)) * inputSize + offset
            guard !isCategory[column - 1] else {
                if let index = category(field, table.columns[column - 1]) { floats[place + index] = 1 }
                return
            }
            switch element {
            case .uint8:
                guard let value = tableNumber(field), let byte = UInt8(exactly: value) else { throw changed }
                bytes[place] = byte
            case .float32:
                if let value = tableNumber(field, decimalMark: input.decimalMark) {
                    floats[place] = value
                } else if isMissing(field) {
                    floats[place] = .nan
                } else {
                    throw changed
                }
            }
        } line: { samples in
            written = samples
        }
        guard written == sampleCount else { throw changed }
    }

    /// The value, among those of a category column, that is 1 for a field; nil: none, for a text that training samples lack.
    private func category(_ field: UnsafeBufferPointer<UInt8>, _ column: Int) -> Int? {
        if let index = categories[column]?[String(decoding: field, as: UTF8.self)] { return index }
        return isMissing(field) && missing[column] >= 0 ? missing[column] : nil
    }
}

/// Mean and standard deviation of each value over the training samples, added up in double in the samples' order.
struct TableStatistics {
    /// Of values that are not missing; 0 where all are.
    private var means: [Double]
    private var deviations: [Double]
    private let offsets: [Int?]
    private let isStandardised: Bool

    init(_ builder: borrowing DatasetBuilder, training: Int, _ outline: TableOutline) {
        let inputSize = outline.preparation.inputSize
        let values = builder.features.assumingMemoryBound(to: Float.self)
        var sums = [Double](repeating: 0, count: inputSize)
        var counts = sums
        var squares = sums
        for sample in 0..<training {
            for index in 0..<inputSize where !values[sample * inputSize + index].isNaN {
                sums[index] += Double(values[sample * inputSize + index])
                counts[index] += 1
            }
        }
        means = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
        if outline.isStandardised {
            for sample in 0..<training {
                for index in 0..<inputSize where !values[sample * inputSize + index].isNaN {
                    let difference = Double(values[sample * inputSize + index]) - means[index]
                    squares[index] += difference * difference
                }
            }
        }
        // A missing number is the mean, and adds nothing.
        deviations = squares.map { square in
            let deviation = (square / Double(training)).squareRoot()
            // A column that never changes is not scaled.
            return deviation > 0 && deviation.isFinite ? deviation : 1
        }
        var end = 0
        var offsets: [Int?] = []
        for column in outline.preparation.columns {
            offsets.append(column.width == 1 && column.categories == nil ? end : nil)
            end += column.width
        }
        self.offsets = offsets
        isStandardised = outline.isStandardised
    }

    /// Prepares all samples in place: fills in missing numbers, then standardises or scales.
    ///
    /// - Parameters:
    ///   - builder: The samples' memory.
    ///   - count: The number of samples in all splits.
    ///   - preparation: Receives the statistics.
    ///   - path: The file, as an error names it.
    /// - Throws: ``DataError`` if a value leaves the range of float32.
    func prepare(
        _ builder: borrowing DatasetBuilder, count: Int, _ preparation: inout TablePreparation, path: String
    ) throws(DataError) {
        let inputSize = preparation.inputSize
        let values = builder.features.assumingMemoryBound(to: Float.self)
        for (index, offset) in offsets.enumerated() {
            guard let offset else { continue }
            preparation.columns[index].mean = means[offset]
            preparation.columns[index].deviation = isStandardised ? deviations[offset] : nil
        }
        let numbers = offsets.enumerated().compactMap { index, offset in offset.map { (index, $0) } }
        for (index, offset) in numbers {
            let column = preparation.columns[index]
            let mean = Float(means[offset])
            for sample in 0..<count {
                let place = sample * inputSize + offset
                let number = values[place].isNaN ? mean : values[place]
                let value = preparation.prepared(number, column)
                guard value.isFinite else {
                    throw DataError(
                        .malformedTable(
                            "\(preparation.title(ofColumn: index)) has the value \(number), which is too large once it is "
                                + "divided by \(column.deviation ?? preparation.scale)"), subject: path)
                }
                values[place] = value
            }
        }
    }
}

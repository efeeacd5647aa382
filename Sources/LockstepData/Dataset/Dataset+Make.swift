extension Dataset {
    /// A data set from values in memory: for tests, and for small ones.
    ///
    /// `features` are bytes that stand for byte / 255, [labels.count, inputSize], row-major; training samples come
    /// first, then `validation`, then `test` ones. An absent `classCount` becomes the highest label + 1, at least 2.
    ///
    /// - Throws: ``DataError`` where numbers of values, labels and samples don't fit each other.
    package static func make(
        name: String, inputSize: Int, features: [UInt8], labels: [UInt16], validation: Int = 0, test: Int = 0,
        classCount: Int? = nil
    ) throws(DataError) -> Dataset {
        let values = Values(count: features.count, element: .uint8) { destination in
            features.withUnsafeBytes { destination.copyMemory(from: $0) }
        }
        return try make(
            name: name, inputSize: inputSize, values: values, labels: labels, validation: validation, test: test,
            classCount: classCount)
    }

    /// A data set from float32 values, which are taken as they are; all else is as with bytes.
    package static func make(
        name: String, inputSize: Int, features: [Float], labels: [UInt16], validation: Int = 0, test: Int = 0,
        classCount: Int? = nil
    ) throws(DataError) -> Dataset {
        let values = Values(count: features.count, element: .float32) { destination in
            features.withUnsafeBytes { destination.copyMemory(from: $0) }
        }
        return try make(
            name: name, inputSize: inputSize, values: values, labels: labels, validation: validation, test: test,
            classCount: classCount)
    }

    /// Features of either element type.
    private struct Values {
        let count: Int
        let element: DatasetElement
        let copy: (UnsafeMutableRawBufferPointer) -> Void
    }

    private static func make(
        name: String, inputSize: Int, values: Values, labels: [UInt16], validation: Int, test: Int, classCount: Int?
    ) throws(DataError) -> Dataset {
        let builder = try DatasetBuilder(
            name: name, inputSize: inputSize, element: values.element,
            trainingCount: labels.count - validation - test, validationCount: validation, testCount: test)
        guard builder.features.count == values.count * values.element.byteCount else {
            throw DataError(
                .invalidDescription("\(values.count) values for \(labels.count) samples of \(inputSize)"),
                subject: "data set \(name)")
        }
        values.copy(builder.features)
        labels.withUnsafeBytes { UnsafeMutableRawBufferPointer(builder.labels).copyMemory(from: $0) }
        return try builder.finish(classCount: classCount ?? max(2, Int(labels.max() ?? 0) + 1))
    }
}

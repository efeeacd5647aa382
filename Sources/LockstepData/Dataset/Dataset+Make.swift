extension Dataset {
    /// Makes a data set from bytes in memory.
    ///
    /// `features` are bytes b with the value b / 255, [labels.count, inputSize], row-major: the training samples first,
    /// then `validation` samples, then `test` samples. The default of `classCount` is the highest label + 1, at least 2.
    ///
    /// - Throws: ``DataError`` if the counts of values, labels and samples don't fit each other.
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

    /// Makes a data set from float32 values in memory, which are not scaled; everything else is as with bytes.
    package static func make(
        name: String, inputSize: Int, features: [Float], labels: [UInt16], targets: [Float]? = nil, validation: Int = 0,
        test: Int = 0, classCount: Int? = nil
    ) throws(DataError) -> Dataset {
        let values = Values(count: features.count, element: .float32) { destination in
            features.withUnsafeBytes { destination.copyMemory(from: $0) }
        }
        return try make(
            name: name, inputSize: inputSize, values: values, labels: labels, targets: targets, validation: validation,
            test: test,
            classCount: classCount)
    }

    /// Features of either element type.
    private struct Values {
        let count: Int
        let element: DatasetElement
        let copy: (UnsafeMutableRawBufferPointer) -> Void
    }

    private static func make(
        name: String, inputSize: Int, values: Values, labels: [UInt16], targets: [Float]? = nil, validation: Int,
        test: Int, classCount: Int?
    ) throws(DataError) -> Dataset {
        let builder = try DatasetBuilder(
            name: name, inputSize: inputSize, element: values.element,
            trainingCount: labels.count - validation - test, validationCount: validation, testCount: test,
            hasTargets: targets != nil)
        if let targets, let destination = builder.targets {
            guard targets.count == destination.count else {
                throw DataError(
                    .invalidDescription("\(targets.count) targets for \(destination.count) samples"),
                    subject: "data set \(name)")
            }
            for (index, target) in targets.enumerated() { destination[index] = target }
        }
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

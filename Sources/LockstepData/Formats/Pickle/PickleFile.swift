package import LockstepConfiguration

/// A pickle of three (images, labels) pairs of numpy arrays, such as the textbook's `mnist.pkl.gz`.
package struct PickleFile: DataFormat {
    package var path: String

    package static let name = "pickle"
    package static let defaults = PickleFile(path: "")
    package static let keys = [
        ConfigurationKey(
            "pickle", \PickleFile.path, .path, example: "mnist.pkl.gz",
            "the data set as the textbook ships it; nothing in it is executed", onResume: .mayMove)
    ]
    package static let advice = "the pickle alone: it holds all splits"
    package static let fileExample: String? = "a pickle such as mnist.pkl.gz"
    package static let fileEndings = [".pkl", ".pkl.gz"]

    package init(path: String) { self.path = path }

    package init?(file path: String) { self.init(path: path) }

    package func load(cache: DataCache) throws(DataError) -> Dataset { try load() }
}

extension DataSource {
    /// A pickle such as the textbook's `mnist.pkl.gz`.
    package static func pickle(_ path: String) -> DataSource { DataSource(PickleFile(path: path)) }
}

extension PickleFile {
    /// Reads three (images, labels) pairs of numpy arrays: training, validation and test split.
    ///
    /// Images are float32, [samples, inputSize], row-major, and are copied bit for bit; labels are int64, [samples]. The
    /// file is read twice: first for its structure, then for its values, directly to their destination.
    ///
    /// - Returns: The data set, of float32 values.
    /// - Throws: ``DataError`` that names the offset of the first fault.
    private func load() throws(DataError) -> Dataset {
        let splits = try PickledSplits(readingStructureOf: path)
        let builder = try DatasetBuilder(
            name: path.split(separator: "/").last.map(String.init) ?? path, inputSize: splits.inputSize,
            element: .float32, trainingCount: splits.counts[0], validationCount: splits.counts[1],
            testCount: splits.counts[2])
        let highest = try splits.readContents(into: builder)
        return try builder.finish(classCount: max(2, highest + 1))
    }
}

/// The positions of a pickle's six arrays in its file.
private struct PickledSplits {
    private struct Part {
        let split: Int
        let holdsImages: Bool
        let bytes: PickleText
    }

    let path: String
    let inputSize: Int
    /// Samples of each split.
    let counts: [Int]
    private let parts: [Part]

    init(readingStructureOf path: String) throws(DataError) {
        let input = try PickleInput(path: path)
        var machine = PickleMachine(input)
        guard case .tuple(let pairs) = try machine.run(), pairs.count == 3 else {
            throw input.malformed("it does not hold three pairs of arrays")
        }
        guard try input.isAtEnd() else { throw input.malformed("bytes follow its end") }
        var sizes: Set<Int> = []
        var counts: [Int] = []
        var parts: [Part] = []
        for (split, pair) in pairs.enumerated() {
            guard case .tuple(let arrays) = pair, arrays.count == 2, case .array(let first) = arrays[0],
                case .array(let second) = arrays[1], let images = first.contents, let labels = second.contents
            else { throw input.malformed("it does not hold three pairs of arrays") }
            guard images.element == .float32, images.shape.count == 2, labels.element == .int64,
                labels.shape.count == 1
            else { throw input.malformed("a pair other than float32 images [n, size] and int64 labels [n]") }
            guard images.shape[0] == labels.shape[0] else {
                throw input.malformed("\(images.shape[0]) images with \(labels.shape[0]) labels")
            }
            counts.append(images.shape[0])
            sizes.insert(images.shape[1])
            parts.append(Part(split: split, holdsImages: true, bytes: images.bytes))
            parts.append(Part(split: split, holdsImages: false, bytes: labels.bytes))
        }
        guard let size = sizes.first, sizes.count == 1 else {
            throw input.malformed("images of different sizes: \(sizes.sorted())")
        }
        guard Set(parts.map(\.bytes.offset)).count == parts.count else {
            throw input.malformed("one array in two places")
        }
        self.path = path
        self.inputSize = size
        self.counts = counts
        self.parts = parts.sorted { $0.bytes.offset < $1.bytes.offset }
    }

    /// Reads the arrays into a data set; returns the highest label.
    func readContents(into builder: borrowing DatasetBuilder) throws(DataError) -> Int {
        let input = try PickleInput(path: path)
        var highest = 0
        for part in parts {
            let first = counts[..<part.split].reduce(0, +)
            try input.skip(to: part.bytes.offset)
            if part.holdsImages {
                try readImages(part, at: first, from: input, into: builder)
            } else {
                highest = max(highest, try readLabels(part, at: first, from: input, into: builder))
            }
        }
        return highest
    }

    private func readImages(
        _ part: Part, at first: Int, from input: PickleInput, into builder: borrowing DatasetBuilder
    ) throws(DataError) {
        let start = first * inputSize * MemoryLayout<Float>.stride
        let target = UnsafeMutableRawBufferPointer(rebasing: builder.features[start..<start + part.bytes.count])
        try read(part, from: input, into: target)
        let values = target.assumingMemoryBound(to: Float.self)
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw DataError(
                .malformedPickle("value \(index) of its images is not a finite number"), subject: path,
                offset: part.bytes.offset)
        }
    }

    private func readLabels(
        _ part: Part, at first: Int, from input: PickleInput, into builder: borrowing DatasetBuilder
    ) throws(DataError) -> Int {
        var numbers = [Int64](repeating: 0, count: counts[part.split])
        let result: Result<Void, DataError> = numbers.withUnsafeMutableBytes { target in
            do throws(DataError) { return .success(try read(part, from: input, into: target)) } catch {
                return .failure(error)
            }
        }
        try result.get()
        for (index, number) in numbers.enumerated() {
            guard let label = UInt16(exactly: number), label < UInt16.max else {
                throw DataError(
                    .labelOutOfRange(label: Int(number), classCount: Int(UInt16.max)), subject: path,
                    offset: part.bytes.offset)
            }
            builder.labels[first + index] = label
        }
        return Int(numbers.max() ?? 0)
    }

    private func read(
        _ part: Part, from input: PickleInput, into target: UnsafeMutableRawBufferPointer
    ) throws(DataError) {
        precondition(target.count == part.bytes.count)
        var count = 0
        try input.decode(part.bytes.encoding, length: part.bytes.length) { byte in
            // The file may have changed since its structure was read: never write beyond the target.
            if count < target.count { target[count] = byte }
            count += 1
        }
        guard count == target.count else { throw input.malformed("changed while it was read") }
    }
}

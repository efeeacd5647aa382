import LockstepTesting
import Testing

@testable import LockstepData

@Suite("numpy files")
struct ArrayFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func load(_ source: DataSource) throws -> Dataset { try source.load(cache: DataCache()) }

    private func values(_ dataset: Dataset, _ sample: Int) -> [Float] {
        var values = [Float](repeating: 0, count: dataset.description.inputSize)
        values.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { dataset.gather(sample..<sample + 1, into: base) }
        }
        return values
    }

    /// Twelve samples of two values between 0 and 1, and alternating labels.
    private var inputs: [Float] { (0..<24).map { Float($0) / 32 } }
    private var labels: [UInt8] { (0..<12).map { UInt8($0 % 2) } }

    @Test("an archive of X and y is a data set, whose test and validation are its last samples")
    func archive() throws {
        let path = try folder.write(
            ArrayFixture.npz([
                ("X", ArrayFixture.npy("<f4", [12, 2], ArrayFixture.floats(inputs))),
                ("y", ArrayFixture.npy("|u1", [12], labels)),
            ]), to: "a.npz")
        let dataset = try load(DataSource(file: path))
        let description = dataset.description
        #expect([description.trainingCount, description.validationCount, description.testCount] as [Int] == [8, 2, 2])
        #expect(description.inputSize == 2 && description.classCount == 2 && description.name == "a.npz")
        for sample in 0..<12 {
            #expect(values(dataset, sample) == Array(inputs[2 * sample..<2 * sample + 2]))
            #expect(dataset.label(of: sample) == sample % 2)
        }
    }

    @Test("the arrays' names say which samples are for training, validation and test, and what classes are called")
    func parts() throws {
        let path = try folder.write(
            ArrayFixture.npz([
                ("train_images", ArrayFixture.npy("|u1", [4, 1, 2], [200, 1, 2, 3, 4, 5, 6, 7])),
                (
                    "train_labels",
                    ArrayFixture.npy(
                        "<i8", [4, 1], [0, 1, 0, 1].flatMap { [UInt8($0)] + Array(repeating: 0, count: 7) })
                ),
                ("val_images", ArrayFixture.npy("|u1", [1, 1, 2], [8, 9])),
                ("val_labels", ArrayFixture.npy("|u1", [1], [1])),
                ("test_images", ArrayFixture.npy("|u1", [2, 1, 2], [10, 11, 12, 13])),
                ("test_labels", ArrayFixture.npy("|u1", [2], [0, 1])),
                ("target_names", ArrayFixture.npy("<U5", [2], ArrayFixture.texts(["left", "right"], count: 5))),
            ]), to: "parts.npz")
        let dataset = try load(DataSource(NPZFile(path: path)))
        let description = dataset.description
        #expect([description.trainingCount, description.validationCount, description.testCount] as [Int] == [4, 1, 2])
        #expect(description.classNames == ["left", "right"] && description.element == .uint8)
        #expect((0..<7).map { dataset.label(of: $0) } == [0, 1, 0, 1, 1, 0, 1])
        #expect(values(dataset, 6) == [12 * (1 / 255) as Float, 13 * (1 / 255) as Float])
    }

    @Test("two numpy files, of which one holds texts, are a data set")
    func files() throws {
        // Column-major: the first value of all samples comes first.
        let columns = (0..<2).flatMap { column in (0..<12).map { inputs[2 * $0 + column] } }
        let samples = try folder.write(
            ArrayFixture.npy("<f4", [12, 2], ArrayFixture.floats(columns), isColumnMajor: true), to: "X.npy")
        let names = (0..<12).map { $0 % 3 == 0 ? "cat, wild" : "dog" }
        let labels = try folder.write(
            ArrayFixture.npy("<U9", [12], ArrayFixture.texts(names, count: 9)), to: "y.npy")
        let dataset = try load(DataSource(NPYFiles(path: samples, labels: labels)))
        #expect(dataset.description.classNames == ["cat, wild", "dog"])
        #expect((0..<12).map { dataset.label(of: $0) } == (0..<12).map { $0 % 3 == 0 ? 0 : 1 })
        #expect((0..<12).allSatisfy { values(dataset, $0) == Array(inputs[2 * $0..<2 * $0 + 2]) })
        let error = #expect(throws: DataError.self) { try load(DataSource(NPYFiles(path: samples))) }
        #expect(error.map { "\($0)".contains("data.npy-labels") } == true)
    }

    @Test("numbers of every type are what numpy says")
    func types() throws {
        func numbers(_ type: String, _ bytes: [UInt8]) throws -> String {
            let file = ArrayFixture.npy(type, [2], bytes)
            let header = try NPYHeader(file[...], subject: "x")
            let array = NumericArray(header, bytes: Array(file[header.byteCount...]))
            return (0..<2).map { row in
                var text: [UInt8] = []
                array.append(row, 0, to: &text)
                return String(decoding: text, as: UTF8.self)
            }.joined(separator: " ")
        }
        #expect(try numbers("|b1", [0, 1]) == "0 1")
        #expect(try numbers("|u1", [7, 255]) == "7 255")
        #expect(try numbers("|i1", [0x80, 0xFF]) == "-128 -1")
        #expect(try numbers("<i2", [0x39, 0x30, 0xFF, 0xFF]) == "12345 -1")
        #expect(try numbers(">i2", [0x30, 0x39, 0xFF, 0xFE]) == "12345 -2")
        #expect(try numbers("<u4", [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]) == "4294967295 1")
        #expect(
            try numbers("<i8", Array(repeating: 0xFF, count: 7) + [0x7F] + Array(repeating: 0, count: 7) + [0x80])
                == "9223372036854775807 -9223372036854775808")
        #expect(try numbers("<f2", [0x00, 0x3E, 0x01, 0x80]) == "1.5 -5.9604645e-08")
        #expect(try numbers(">f4", [0x3F, 0xC0, 0, 0, 0x7F, 0xC0, 0, 0]) == "1.5 nan")
        #expect(
            try numbers(
                "<f8", Array(repeating: 0, count: 6) + [0xF8, 0x3F] + Array(repeating: 0, count: 6) + [0xF0, 0xFF])
                == "1.5 -inf")
    }

    @Test(
        "what is no array of numbers or texts is refused with words",
        arguments: [
            ("|O", "which only a program could read"), ("<c8", "astype('float32')"), ("<M8[ns]", "astype"),
            ("<f16", "astype"),
        ])
    func refusedTypes(type: String, words: String) {
        let file = ArrayFixture.npy(type, [1], Array(repeating: 0, count: 16))
        let error = #expect(throws: DataError.self) { try NPYHeader(file[...], subject: "x") }
        #expect(error.map { "\($0)".contains(words) } == true, "\(error.map { "\($0)" } ?? "none")")
    }

    @Test("an archive without known names lists those that it has")
    func unknownNames() throws {
        let path = try folder.write(
            ArrayFixture.npz([("weights", ArrayFixture.npy("|u1", [1], [0]))]), to: "b.npz")
        let error = #expect(throws: DataError.self) { try load(DataSource(file: path)) }
        #expect(error.map { "\($0)".contains("there are weights") } == true)
    }

    @Test("no damage to a file traps", arguments: [0, 1])
    func damage(seed: UInt64) throws {
        let whole = ArrayFixture.npz([
            ("X", ArrayFixture.npy("<f4", [12, 2], ArrayFixture.floats(inputs))),
            ("y", ArrayFixture.npy("|u1", [12], labels)),
        ])
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            var damaged = whole
            switch random.next() % 3 {
            case 0: damaged.removeLast(Int(random.next() % UInt64(damaged.count)))
            case 1: damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
            default:
                let place = Int(random.next() % UInt64(damaged.count))
                for index in place..<min(place + 4, damaged.count) { damaged[index] = 0xFF }
            }
            let path = try folder.write(damaged, to: "damaged.npz")
            _ = try? load(DataSource(NPZFile(path: path)))
            // A numpy file alone has no checksum.
            var header = ArrayFixture.npy("<f4", [12, 2], ArrayFixture.floats(inputs))
            header[Int(random.next() % 100)] = UInt8(truncatingIfNeeded: random.next())
            _ = try? TableSource(path: folder.write(header, to: "damaged.npy")).open().readFields()
        }
    }
}

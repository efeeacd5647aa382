import Foundation
import LockstepData
import LockstepTesting
import Testing

/// Assembles pickles byte by byte, as Python 2 writes them.
private struct PickleWriter {
    var bytes: [UInt8] = [0x80, 2]
    /// Whether an element type is written once, stored in the memo before its byte order is set, and read from the memo
    /// for later arrays, as in numpy's own pickles.
    var remembersTypes = false
    private(set) var remembered: [String] = []
    /// A fault of the images.
    var imageType = "f4"
    var order = "<"
    var fortran = false
    var extraRows = 0
    var extraLabels = 0

    mutating func emit(_ text: String) { bytes += Array(text.utf8) }
    mutating func number(_ value: Int) {
        bytes.append(UInt8(ascii: "J"))
        bytes += withUnsafeBytes(of: Int32(value).littleEndian, Array.init)
    }
    mutating func string(_ content: [UInt8]) {
        bytes.append(UInt8(ascii: "T"))
        bytes += withUnsafeBytes(of: Int32(content.count).littleEndian, Array.init) + content
    }

    /// An array of `shape` with these bytes, of the type "f4" or "i8".
    mutating func array(_ shape: [Int], type: String, content: [UInt8], order: String = "<", fortran: Bool = false) {
        emit("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K")
        bytes += [0]
        emit("tU")
        bytes += [1]
        emit("btR(K")
        bytes += [1]
        emit("(")
        for length in shape { number(length) }
        emit("t")
        elementType(type, order: order)
        bytes.append(fortran ? 0x88 : 0x89)
        string(content)
        emit("tb")
    }

    private mutating func elementType(_ type: String, order: String) {
        if let place = remembered.firstIndex(of: type) {
            emit("h")
            bytes.append(UInt8(place))
            return
        }
        emit("cnumpy\ndtype\n(U")
        bytes += [UInt8(type.utf8.count)]
        emit(type + "K")
        bytes += [0]
        emit("K")
        bytes += [1]
        emit("tR")
        if remembersTypes {
            emit("q")
            bytes.append(UInt8(remembered.count))
            remembered.append(type)
        }
        emit("(K")
        bytes += [3]
        emit("U")
        bytes += [1]
        emit(order + "NNN")
        number(-1)
        number(-1)
        emit("K")
        bytes += [0]
        emit("tb")
    }

    mutating func pair(_ images: [Float], size: Int, labels: [Int64]) {
        emit("(")
        array(
            [labels.count + extraRows, size], type: imageType,
            content: images.flatMap { withUnsafeBytes(of: $0, Array.init) }, order: order, fortran: fortran)
        let all = labels + [Int64](repeating: 0, count: extraLabels)
        array([all.count], type: "i8", content: all.flatMap { withUnsafeBytes(of: $0, Array.init) })
        emit("t")
    }

    /// Three pairs, of 3, 2 and 1 samples of 2 values.
    static func small(
        labels: [Int64] = [0, 1, 2, 1, 0, 2], value: Float = 0.25, remembersTypes: Bool = false,
        _ configure: (inout PickleWriter) -> Void = { _ in }
    ) -> [UInt8] {
        var writer = PickleWriter()
        configure(&writer)
        writer.remembersTypes = remembersTypes
        writer.emit("(")
        writer.pair([0, 1, 0.5, value, -1, 2], size: 2, labels: Array(labels[0..<3]))
        writer.pair([3, 4, 5, 6], size: 2, labels: Array(labels[3..<5]))
        writer.pair([7, 8], size: 2, labels: Array(labels[5..<6]))
        writer.emit("t.")
        return writer.bytes
    }
}

@Suite("Pickle")
struct PickleTests {
    private func load(_ bytes: [UInt8]) throws -> Dataset {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "data.pkl")
        return try DataSource.pickle(path).load(cache: DataCache(directory: folder.path))
    }

    /// The error of a pickle that must be refused.
    private func refusal(_ bytes: [UInt8]) -> DataError? {
        do {
            _ = try load(bytes)
            return nil
        } catch {
            return error as? DataError
        }
    }

    private func isForbidden(_ text: String) -> Bool {
        guard case .forbiddenPickle = refusal(Array(text.utf8))?.reason else { return false }
        return true
    }

    @Test("three pairs of arrays become three splits", arguments: [false, true])
    func small(remembersTypes: Bool) throws {
        let dataset = try load(PickleWriter.small(remembersTypes: remembersTypes))
        #expect(dataset.description.trainingCount == 3)
        #expect(dataset.description.validationCount == 2)
        #expect(dataset.description.testCount == 1)
        #expect(dataset.description.inputSize == 2)
        #expect(dataset.description.classCount == 3)
        #expect(dataset.description.element == .float32)
        #expect((0..<6).map(dataset.label(of:)) == [0, 1, 2, 1, 0, 2])
        var values = [Float](repeating: 0, count: 12)
        values.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { dataset.gather(0..<6, into: base) } }
        #expect(values == [0, 1, 0.5, 0.25, -1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test("names and instructions that could run a program are refused")
    func hostile() {
        // os.system, in protocol 0, through REDUCE, INST and OBJ; builtins; an extension; persistent names.
        #expect(isForbidden("cos\nsystem\n(S'echo hacked'\ntR."))
        #expect(isForbidden("cposix\nsystem\n(S'echo hacked'\ntR."))
        #expect(isForbidden("(S'echo hacked'\nios\nsystem\n."))
        #expect(isForbidden("(cos\nsystem\nS'echo hacked'\no."))
        #expect(isForbidden("c__builtin__\neval\n(S'1'\ntR."))
        #expect(isForbidden("cnumpy\nload\n(S'x'\ntR."))
        #expect(isForbidden("cnumpy.testing\nrundocs\n(tR."))
        #expect(isForbidden("P1\n."))
        #expect(isForbidden("\u{2}"))
        #expect(refusal([0x82, 1, UInt8(ascii: ".")]).map { "\($0)".contains("0x82") } == true)
        #expect(refusal([0x80, 6]).map { "\($0)".contains("protocol=5") } == true)
        #expect(refusal([0x80, 2, 0x81]).map { "\($0)".contains("nothing was executed") } == true)
    }

    @Test("a memo that doubles itself costs nothing")
    func billionLaughs() {
        var bytes = Array("(K\u{1}t".utf8)
        for _ in 0..<400 { bytes += Array("q\u{0}(h\u{0}h\u{0}h\u{0}t".utf8) }
        #expect(refusal(bytes + Array(".".utf8)) != nil)
        // The limit of instructions ends deep nesting long before the process's stack does.
        let nested = [UInt8](repeating: 0x85, count: 1_000_000)
        #expect(refusal(Array(")".utf8) + nested) != nil)
        #expect(refusal([UInt8](repeating: UInt8(ascii: "("), count: 1_000_000)) != nil)
    }

    @Test("lengths beyond the content are refused before memory is allocated")
    func hugeLengths() {
        var writer = PickleWriter()
        writer.emit("T")
        writer.bytes += [0xFF, 0xFF, 0xFF, 0x7F]
        #expect(refusal(writer.bytes) != nil)
        writer = PickleWriter()
        writer.emit("(")
        writer.emit("(")
        writer.array([Int(Int32.max), Int(Int32.max)], type: "f4", content: [0, 0, 0, 0])
        #expect(refusal(writer.bytes) != nil)
        #expect(refusal([0x80, 2, UInt8(ascii: "X"), 0xFF, 0xFF, 0xFF, 0xFF]) != nil)
    }

    @Test("arrays of another shape, type or order are refused")
    func wrongArrays() {
        func reason(_ configure: (inout PickleWriter) -> Void) -> String {
            refusal(PickleWriter.small(configure)).map { "\($0)" } ?? "not refused"
        }
        #expect(reason { _ in } == "not refused")
        #expect(reason { $0.imageType = "f8" }.contains("neither float32 nor int64"))
        #expect(reason { $0.imageType = "i8" }.contains("bytes, not"))
        #expect(reason { $0.order = ">" }.contains("little-endian"))
        #expect(reason { $0.fortran = true }.contains("column-major"))
        #expect(reason { $0.extraRows = 1 }.contains("bytes, not"))
        #expect(reason { $0.extraLabels = 1 }.contains("3 images with 4 labels"))
        #expect(refusal(PickleWriter.small(labels: [0, 1, -2, 1, 0, 2])) != nil)
        #expect(refusal(PickleWriter.small(labels: [0, 1, 65_535, 1, 0, 2])) != nil)
        #expect(refusal(PickleWriter.small(value: .nan)) != nil)
        #expect(refusal(PickleWriter.small() + [0]) != nil)
    }

    @Test("misused stacks, memos and arrays are refused")
    func leftovers() {
        func reason(_ bytes: [UInt8]) -> String { refusal(bytes).map { "\($0)" } ?? "not refused" }
        var bytes = PickleWriter.small()
        bytes.insert(UInt8(ascii: "N"), at: 2)
        #expect(reason(bytes).contains("1 values too many"))
        #expect(reason([0x80, 2] + Array("h\u{5}.".utf8)).contains("never stored"))

        // The first and the second pair share their images.
        var writer = PickleWriter()
        let content = [UInt8](repeating: 0, count: 24)
        writer.emit("(")
        for pair in 0..<3 {
            writer.emit("(")
            if pair == 1 {
                writer.emit("h\u{7}")
            } else {
                writer.array([3, 2], type: "f4", content: content)
                writer.emit(pair == 0 ? "q\u{7}" : "")
            }
            writer.array([3], type: "i8", content: content)
            writer.emit("t")
        }
        writer.emit("t.")
        #expect(reason(writer.bytes).contains("one array in two places"))
    }

    @Test("every truncation is refused")
    func truncations() {
        let bytes = PickleWriter.small(remembersTypes: true)
        for length in 0..<bytes.count { #expect(refusal(Array(bytes[..<length])) != nil) }
    }

    @Test("flipped bits give a data set or an error, never anything else")
    func flippedBits() {
        let bytes = PickleWriter.small(remembersTypes: true)
        var random = SplitMix64(seed: 20)
        for _ in 0..<1_500 {
            var damaged = bytes
            for _ in 0...Int.random(in: 0...2, using: &random) {
                damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            do { _ = try load(damaged) } catch { #expect(error is DataError) }
        }
    }
}

import LockstepProtocol
import LockstepTesting
import LockstepTimeline

/// The decoders of all bodies, and sample messages to damage.
enum SampleMessages {
    static let bodies: [any MessageBody] = [
        Hello(programVersion: "1.0.0", host: "Gänsemarkt-7", processID: 4711),
        Hello(programVersion: "", host: "", processID: 0, processes: 1_024),
        Ready(kernel: "avx2", fingerprint: []),
        Ready(
            kernel: "skylake-x",
            fingerprint: [
                BlockDigest(rows: 5, digest: Array(0..<32)), BlockDigest(rows: 1000, digest: Array(200..<232)),
            ]),
        Refusal(code: .fingerprint, message: "other bits 🧮"),
        Goodbye(code: .stopping, message: "asked to stop"),
        NodeResult(lossSum: 12.75, computeNanoseconds: 1_234_567),
        BlockResult(
            lossSum: 0.125, computeNanoseconds: 99, correct: 912, total: 1000,
            predictions: [0: 101, 1: 99, 4: 800, .max: .max]),
        BlockResult(lossSum: .nan, computeNanoseconds: .max, correct: 0, total: 0, predictions: [:]),
        LogLines(lines: []),
        LogLines(lines: ["Joined the run as worker 1", "", "Größe"]),
        TimelineReport(clock: 7, totals: [], spans: []),
        TimelineReport(
            clock: .max, totals: [1, 2, .max],
            spans: [
                Timeline.Span(phase: .forward, layer: 3, step: 9, start: 10, end: 20),
                Timeline.Span(kind: .arrival, phase: .receive, step: .max, start: 1, end: 1, detail: .max),
            ]),
    ]

    /// All types of bodies.
    static let types: [any MessageBody.Type] = [
        Hello.self, Ready.self, Refusal.self, Goodbye.self, NodeResult.self, BlockResult.self,
        TimelineReport.self, LogLines.self,
    ]

    static func randomHeader(using random: inout SplitMix64) -> Header {
        Header(
            kind: MessageKind.allCases.randomElement(using: &random) ?? .hello,
            run: .random(in: 0 ... .max, using: &random), member: .random(in: 0 ... .max, using: &random),
            unit: .random(in: 0 ... .max, using: &random), step: .random(in: 0..<1 << 48, using: &random),
            segment: .random(in: 0 ... .max, using: &random), offset: .random(in: 0 ... .max, using: &random))
    }

    /// Printable texts of all lengths and scripts.
    static func randomText(using random: inout SplitMix64) -> String {
        let alphabet: [Character] = ["a", "Z", "7", " ", "é", "ß", "漢", "🧮", "👩🏽", "e\u{301}"]
        let count = Int.random(in: 0...60, using: &random)
        return String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "a" })
    }

    static func randomBody(using random: inout SplitMix64) -> any MessageBody {
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            return Hello(
                programVersion: randomText(using: &random), host: randomText(using: &random),
                processID: .random(in: 0 ... .max, using: &random),
                processes: .random(in: 1...Hello.maximumProcesses, using: &random))
        case 1:
            let count = Int.random(in: 0...Ready.maximumDigests, using: &random)
            let digests = (0..<count).map { _ in
                BlockDigest(rows: .random(in: 0 ... .max, using: &random), digest: bytes(count: 32, using: &random))
            }
            return Ready(kernel: randomText(using: &random), fingerprint: digests)
        case 2:
            return Refusal(
                code: RefusalCode.allCases.randomElement(using: &random) ?? .full, message: randomText(using: &random))
        case 3:
            return Goodbye(
                code: GoodbyeCode.allCases.randomElement(using: &random) ?? .failed,
                message: randomText(using: &random))
        case 4:
            let count = Int.random(in: 0...LogLines.maximumLines, using: &random)
            return LogLines(lines: (0..<count).map { _ in randomText(using: &random) })
        case 5:
            return NodeResult(
                lossSum: .random(in: -1e9...1e9, using: &random),
                computeNanoseconds: .random(in: 0 ... .max, using: &random))
        default:
            let classes = Int.random(in: 0...300, using: &random)
            return BlockResult(
                lossSum: .random(in: -1e9...1e9, using: &random),
                computeNanoseconds: .random(in: 0 ... .max, using: &random),
                correct: .random(in: 0 ... .max, using: &random), total: .random(in: 0 ... .max, using: &random),
                predictions: Dictionary(
                    (0..<classes).map { _ in
                        (.random(in: 0 ... .max, using: &random), .random(in: 0 ... .max, using: &random))
                    }, uniquingKeysWith: { first, _ in first }))
        }
    }

    static func bytes(count: Int, using random: inout SplitMix64) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

extension Header {
    init(bytes: [UInt8]) throws(ProtocolError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(ProtocolError) in
            try Header(decoding: UnsafeRawBufferPointer(bytes))
        }
    }

    /// The error with which decoding fails, or nil.
    static func error(decoding bytes: [UInt8]) -> ProtocolError? {
        do throws(ProtocolError) {
            _ = try Header(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0xAA, count: Header.size)
        bytes.withUnsafeMutableBytes { encode(into: $0) }
        return bytes
    }
}

extension MessageBody {
    init(bytes: [UInt8]) throws(ProtocolError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(ProtocolError) in
            try Self(decoding: UnsafeRawBufferPointer(bytes))
        }
    }

    /// The error with which decoding fails, or nil.
    static func error(decoding bytes: [UInt8]) -> ProtocolError? {
        do throws(ProtocolError) {
            _ = try Self(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }

    func isEqual(to other: any MessageBody) -> Bool {
        other as? Self == self
    }
}

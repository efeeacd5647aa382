import LockstepProtocol
import Testing

@Suite struct MessageKindTests {
    @Test("Kinds keep their numbers: they are the wire")
    func rawValues() {
        let expected: [MessageKind] = [
            .hello, .welcome, .ready, .refuse, .dataRequest, .dataChunk, .assign, .parameters, .gradient, .nodeResult,
            .evaluate, .blockResult, .goodbye, .ping, .pong, .statusRequest, .status, .timelineRequest, .timeline,
            .logLines, .dataCheck, .dataIntact,
        ]
        #expect(MessageKind.allCases == expected)
        #expect(expected.map(\.rawValue) == Array(1...22))
        #expect(RefusalCode.allCases.map(\.rawValue) == Array(1...10))
        #expect(GoodbyeCode.allCases.map(\.rawValue) == Array(1...5))
    }

    @Test("No kind takes more than 1 MiB", arguments: MessageKind.allCases)
    func limit(kind: MessageKind) {
        #expect(kind.payloadSizes.upperBound <= 1 << 20)
        #expect(!kind.acceptsPayload(count: (1 << 20) + 1))
        #expect(!kind.acceptsPayload(count: -1))
        #expect(!kind.acceptsPayload(count: .min))
        #expect(!kind.acceptsPayload(count: .max))
    }

    @Test("Requests and assignments have no payload, all others have one", arguments: MessageKind.allCases)
    func presence(kind: MessageKind) {
        let none: Set<MessageKind> = [
            .dataRequest, .assign, .evaluate, .statusRequest, .timelineRequest, .dataCheck, .dataIntact,
        ]
        #expect(kind.hasPayload == !none.contains(kind))
        #expect(kind.acceptsPayload(count: 0) == none.contains(kind))
        if none.contains(kind) { #expect(!kind.acceptsPayload(count: 1)) }
    }

    @Test("Floats come in whole elements", arguments: [MessageKind.parameters, .gradient])
    func floats(kind: MessageKind) {
        for count in 1...9 { #expect(kind.acceptsPayload(count: count) == count.isMultiple(of: 2)) }
        #expect(kind.acceptsPayload(count: 1 << 20))
    }

    @Test(
        "Opaque payloads have any size from 1 byte up to their kind's limit",
        arguments: [
            (MessageKind.welcome, 1 << 20), (.dataChunk, 1 << 20), (.ping, 1 << 16), (.pong, 1 << 20),
            (.status, 1 << 20),
        ])
    func opaque(kind: MessageKind, limit: Int) {
        for count in [1, 2, 3, 1000, limit] { #expect(kind.acceptsPayload(count: count)) }
        for count in [0, limit + 1] { #expect(!kind.acceptsPayload(count: count)) }
    }

    @Test("Bodies are within their kind's sizes, at both ends")
    func bodies() {
        let long = String(repeating: "x", count: 5000)
        let digests = Array(repeating: BlockDigest(rows: 1, digest: Array(repeating: 0, count: 32)), count: 64)
        let ends: [(MessageKind, smallest: any MessageBody, largest: any MessageBody)] = [
            (
                .hello, Hello(programVersion: "", host: "", processID: 1),
                Hello(programVersion: long, host: long, processID: 1)
            ),
            (.ready, Ready(kernel: "", fingerprint: []), Ready(kernel: long, fingerprint: digests)),
            (.refuse, Refusal(code: .full, message: ""), Refusal(code: .full, message: long)),
            (.goodbye, Goodbye(code: .failed, message: ""), Goodbye(code: .failed, message: long)),
            (
                .nodeResult, NodeResult(lossSum: 0, computeNanoseconds: 0),
                NodeResult(lossSum: .infinity, computeNanoseconds: .max)
            ),
            (
                .blockResult,
                BlockResult(lossSum: 0, computeNanoseconds: 0, correct: 0, total: 0, predictions: [:]),
                BlockResult(
                    lossSum: 0, computeNanoseconds: 0, correct: 0, total: 0,
                    predictions: Dictionary(uniqueKeysWithValues: (0..<1_000).map { ($0, 1) }))
            ),
            (.logLines, LogLines(lines: []), LogLines(lines: Array(repeating: long, count: 30))),
        ]
        for (kind, smallest, largest) in ends {
            #expect(kind.payloadSizes == smallest.encoded().count...largest.encoded().count, "\(kind)")
        }
    }
}

import LockstepData
import LockstepDigest
import Testing

/// Bytes that outlive the data set over them.
private final class Block {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }
}

@Suite("A data set")
struct DatasetTests {
    static let valid = DatasetDescription(
        name: "tiny", inputSize: 5, classCount: 3, element: .uint8, trainingCount: 4, validationCount: 0, testCount: 1,
        sha256: "")

    static func changed(_ change: (inout DatasetDescription) -> Void) -> DatasetDescription {
        var description = valid
        change(&description)
        return description
    }

    static let impossible: [DatasetDescription] = [
        changed { $0.trainingCount = 0 }, changed { $0.trainingCount = -4 }, changed { $0.trainingCount = .min },
        changed { $0.trainingCount = .max }, changed { $0.validationCount = -1 }, changed { $0.testCount = .max },
        changed { ($0.validationCount, $0.testCount) = (.max, .max) }, changed { $0.inputSize = 0 },
        changed { $0.inputSize = -5 }, changed { $0.inputSize = .max }, changed { $0.inputSize = .min },
        changed { $0.inputSize = 1 << 62 }, changed { $0.inputSize = 1 << 31 }, changed { $0.classCount = 1 },
        changed { $0.classCount = 0 }, changed { $0.classCount = .min }, changed { $0.classCount = 65_537 },
        changed { ($0.trainingCount, $0.testCount, $0.inputSize) = (2_147_483_647, 1, 1) },
        changed { $0.unusedCount = -1 }, changed { $0.unusedCount = .max }, changed { $0.unusedCount = .min },
    ]

    @Test("is refused if its description is impossible", arguments: impossible)
    func impossibleDescription(description: DatasetDescription) throws {
        let block = Block(byteCount: 64 + 10)
        let error = try #require(
            try dataError {
                try Dataset(description: description, bytes: UnsafeRawBufferPointer(block.bytes), owner: block)
            })
        guard case .invalidDescription = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(error.subject == "data set tiny")
    }

    @Test("is refused if it has too few or too many bytes", arguments: [0, 1, 64, 73, 75, 128])
    func wrongByteCount(byteCount: Int) throws {
        let block = Block(byteCount: byteCount)
        let error = try dataError {
            try Dataset(description: Self.valid, bytes: UnsafeRawBufferPointer(block.bytes), owner: block)
        }
        #expect(error?.reason == .invalidDescription("74 bytes are described, there are \(byteCount)"))
    }

    @Test("is refused if a label is not a class", arguments: 0..<5)
    func labelOutOfRange(sample: Int) throws {
        let block = Block(byteCount: 74)
        block.bytes.storeBytes(of: 3, toByteOffset: 64 + 2 * sample, as: UInt16.self)
        let error = try dataError {
            try Dataset(description: Self.valid, bytes: UnsafeRawBufferPointer(block.bytes), owner: block)
        }
        #expect(error?.reason == .labelOutOfRange(label: 3, classCount: 3))
        #expect(error?.offset == 64 + 2 * sample)
    }

    @Test("keeps the memory's owner alive")
    func ownership() throws {
        weak var owner: Block?
        do {
            let block = Block(byteCount: 74)
            owner = block
            let dataset = try Dataset(
                description: Self.valid, bytes: UnsafeRawBufferPointer(block.bytes), owner: consume block)
            #expect(owner != nil)
            #expect(dataset.label(of: 4) == 0)
        }
        #expect(owner == nil)
    }

    @Test("notices a changed bit anywhere", arguments: [0, 24, 25, 63, 64, 73])
    func digest(byte: Int) throws {
        let source = try Dataset.make(
            name: "tiny", inputSize: 5, features: (0..<25).map { UInt8($0) }, labels: [0, 1, 2, 1, 0], test: 1)
        let block = Block(byteCount: source.bytes.count)
        block.bytes.copyMemory(from: source.bytes)
        let copy = try Dataset(
            description: source.description, bytes: UnsafeRawBufferPointer(block.bytes), owner: block)
        try copy.verifyDigest()
        block.bytes[byte] ^= 1
        let found = SHA256.hash(UnsafeRawBufferPointer(block.bytes)).hex
        let error = try dataError { try copy.verifyDigest() }
        #expect(error?.reason == .wrongDigest(expected: source.description.sha256, found: found))
    }

    @Test("cannot be made of values and labels that don't fit")
    func misfits() throws {
        #expect(
            try dataError {
                try Dataset.make(name: "t", inputSize: 2, features: [1, 2, 3] as [UInt8], labels: [0, 1])
            }
                == DataError(.invalidDescription("3 values for 2 samples of 2"), subject: "data set t"))
        #expect(
            try dataError {
                try Dataset.make(name: "t", inputSize: 1, features: [1, 2] as [Float], labels: [0, 5], classCount: 5)
            }?.reason == .labelOutOfRange(label: 5, classCount: 5))
        let nothingToTrainWith = try dataError {
            try Dataset.make(name: "t", inputSize: 1, features: [1, 2] as [Float], labels: [0, 1], test: 2)
        }
        #expect(nothingToTrainWith != nil)
    }
}

import Testing

@testable import LockstepData

@Suite("Checks of a data set in memory")
struct DatasetCheckTests {
    private func dataset(_ seed: Int = 1) throws -> Dataset {
        let samples = 3_000
        return try Dataset.make(
            name: "blocks", inputSize: 401,
            features: (0..<samples * 401).map { UInt8(truncatingIfNeeded: $0 * $0 * seed) },
            labels: (0..<samples).map { UInt16($0 % 3) }, validation: 7, test: 9, classCount: 3)
    }

    @Test("Any flipped bit is found in its block, and repaired from another copy")
    func repair() throws {
        let dataset = try dataset()
        let check = DatasetCheck(dataset, load: { try self.dataset() })
        #expect(check.changedBlocks() == [])
        let size = DatasetCheck.blockSize
        let last = dataset.bytes.count - 1
        for bytes in [[0], [size - 1], [size], [last], [5, last]] {
            for byte in bytes { try dataset.flipBit(ofByte: byte) }
            let found = check.changedBlocks()
            #expect(found.count == bytes.count && zip(found, bytes).allSatisfy { $0.contains($1) })
            try check.repair()
            #expect(check.changedBlocks() == [])
            try dataset.verifyDigest()
        }
    }

    @Test("Without another copy, or with another data set, a change is an error that names the data set")
    func unrepaired() throws {
        for load in [nil, { try self.dataset(3) }] as [(() throws -> Dataset)?] {
            let dataset = try dataset()
            let check = DatasetCheck(dataset, load: load)
            try check.repair()
            try dataset.flipBit(ofByte: 77)
            let error = #expect(throws: DataError.self) { try check.repair() }
            #expect("\(String(describing: error))".contains("data set blocks"))
        }
    }
}

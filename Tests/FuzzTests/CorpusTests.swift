import Foundation
import LockstepFuzzTargets
import LockstepTesting
import Testing

/// The inputs that the fuzzer has found worth keeping, and others made from them.
enum Corpus {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fuzz/Corpus").standardizedFileURL

    /// The files of a target, by name.
    static func files(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let place = folder.appending(path: target.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted().map { name in
            (name, [UInt8](try Data(contentsOf: place.appending(path: name))))
        }
    }

    /// Valid inputs: those of the corpus that are called so, and those that this program writes.
    static func seeds(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        try files(of: target).filter { $0.name.hasPrefix("valid-") }
            + target.writtenInputs().map { ("written by this program", $0) }
    }
}

@Suite("Decoders of what others wrote")
struct CorpusTests {
    @Test("every input of the corpus is decoded or refused, and valid ones are decoded", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        for (_, bytes) in try Corpus.files(of: target) { target.run(bytes) }
        let seeds = try Corpus.seeds(of: target)
        #expect(!seeds.isEmpty, "no valid input of \(target)")
        for (name, bytes) in seeds { #expect(target.run(bytes), "\(target): \(name)") }
    }

    @Test("every truncation of a valid input is decoded or refused", arguments: FuzzTarget.allCases)
    func truncations(target: FuzzTarget) throws {
        for (_, bytes) in try Corpus.seeds(of: target) {
            for count in 0..<bytes.count { target.run(Array(bytes[..<count])) }
        }
    }

    @Test("10,000 damaged inputs of each kind are decoded or refused", arguments: FuzzTarget.allCases)
    func damage(target: FuzzTarget) throws {
        let seeds = try Corpus.seeds(of: target)
        let seed: UInt64 = 8_128
        var random = SplitMix64(seed: seed)
        for _ in 0..<10_000 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)].bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                case 2: bytes[index] = [0, 1, 0x7f, 0x80, 0xff, 0x0a][Int.random(in: 0..<6, using: &random)]
                default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
            }
            target.run(bytes)
        }
    }

    @Test("no truncation and no flipped bit of a model's weights goes unnoticed")
    func model() throws {
        let (_, bytes) = try #require(try Corpus.seeds(of: .model).first)
        for count in 0..<bytes.count { #expect(!FuzzTarget.model.run(Array(bytes[..<count])), "\(count) bytes") }
        let header = bytes.prefix(8).enumerated().reduce(8) { $0 + Int($1.element) << (8 * $1.offset) }
        var random = SplitMix64(seed: 1)
        for _ in 0..<10_000 {
            var damaged = bytes
            let index = Int.random(in: header..<bytes.count, using: &random)
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(!FuzzTarget.model.run(damaged), "byte \(index)")
        }
    }
}

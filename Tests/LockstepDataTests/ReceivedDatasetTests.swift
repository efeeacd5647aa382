import Foundation
import Glibc
import LockstepData
import LockstepTesting
import Testing

@Suite("A data set received from a coordinator")
struct ReceivedDatasetTests {
    let folder: TemporaryFolder
    let cache: DataCache
    let dataset: Dataset
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        // The cache creates this folder when it needs it.
        cache = DataCache(directory: folder.path + "/new/cache")
        dataset = try Dataset.make(
            name: "tiny", inputSize: 3, features: (0..<12).map { Float($0) / 3 }, labels: [0, 1, 2, 1], validation: 1,
            test: 1)
        path = "\(cache.directory)/datasets/\(dataset.description.sha256).blob"
    }

    @Test("is found again, byte for byte")
    func roundTrip() throws {
        #expect(cache.received(dataset.description) == nil)
        try cache.store(dataset)
        let found = try #require(cache.received(dataset.description))
        #expect(found.description == dataset.description)
        #expect(Array(found.bytes) == Array(dataset.bytes))
        let names = try FileManager.default.contentsOfDirectory(atPath: cache.directory + "/datasets")
        #expect(names == [dataset.description.sha256 + ".blob"])
    }

    @Test("may be stored by several threads at once, and again")
    func concurrentStores() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { [cache, dataset] in try cache.store(dataset) }
            }
            try await group.waitForAll()
        }
        #expect(cache.received(dataset.description)?.description == dataset.description)
    }

    @Test("is deleted if its file is damaged", arguments: ["changed", "shorter", "longer", "empty"])
    func damaged(how: String) throws {
        try cache.store(dataset)
        var bytes = Array(dataset.bytes)
        switch how {
        case "changed": bytes[5] ^= 0x80
        case "shorter": bytes.removeLast()
        case "longer": bytes.append(0)
        default: bytes = []
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(cache.received(dataset.description) == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("is refused, but kept, if the description does not fit it")
    func wrongDescription() throws {
        try cache.store(dataset)
        var description = dataset.description
        description.inputSize = 40
        #expect(cache.received(description) == nil)
        description = dataset.description
        description.classCount = 2
        #expect(cache.received(description) == nil)
        #expect(cache.received(dataset.description) != nil)
    }

    @Test("is looked up by a digest only", arguments: ["", "../../secret", "/etc/passwd", "00"])
    func notADigest(name: String) {
        var description = dataset.description
        description.sha256 = name
        #expect(cache.received(description) == nil)
    }

    @Test("takes the place of files that processes began to write long ago and never finished")
    func abandoned() throws {
        let name = "new/cache/datasets/\(String(repeating: "0a", count: 32)).blob"
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        for file in ["\(name).12.345", name, "\(name).12.x", "new/cache/datasets/thesis.blob.1.2"] {
            utimensat(AT_FDCWD, try folder.write(text: "half", to: file), &times, 0)
        }
        try folder.write(text: "half", to: "\(name).13.345")
        try cache.store(dataset)
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(cache.directory)/datasets")
        #expect(left.count == 5 && !left.contains { $0.hasSuffix(".12.345") })
    }

    @Test("is not stored under a digest that it does not have")
    func wrongDigest() throws {
        var description = dataset.description
        description.sha256 = String(repeating: "0", count: 64)
        let impostor = try Dataset(description: description, bytes: dataset.bytes, owner: dataset)
        let error = try dataError { try cache.store(impostor) }
        #expect(
            error?.reason == .wrongDigest(expected: description.sha256, found: dataset.description.sha256))
        #expect(!FileManager.default.fileExists(atPath: cache.directory))
    }

    @Test("cannot be stored if a file has the folder's name")
    func notAFolder() throws {
        let path = try folder.write([1], to: "file")
        let error = try dataError { try DataCache(directory: path).store(dataset) }
        #expect(error?.reason == .system(code: ENOTDIR, text: "Not a directory"))
        #expect(error?.subject == path + "/datasets")
    }
}

import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("A data cache")
struct DataCacheTests {
    @Test("lies where the environment says")
    func directory() {
        func directory(_ environment: [String: String], home: String? = nil) -> String {
            DataCache(environment: { environment[$0] }, home: { home }).directory
        }
        #expect(directory(["LOCKSTEP_CACHE": "/data", "HOME": "/home/ada"]) == "/data")
        #expect(directory(["HOME": "/home/ada"], home: "/other") == "/home/ada/.cache/lockstep")
        #expect(directory(["LOCKSTEP_CACHE": "", "HOME": "/home/ada"]) == "/home/ada/.cache/lockstep")
        #expect(directory(["HOME": ""], home: "/home/ada") == "/home/ada/.cache/lockstep")
        #expect(directory([:]) == "/tmp/lockstep-cache-\(getuid())")
        #expect(directory(["TMPDIR": "/scratch"], home: "") == "/scratch/lockstep-cache-\(getuid())")
    }

    @Test("names the folder and the script if a data set is missing")
    func missing() throws {
        let error = try dataError { try DataSource.named("mnist").load(cache: DataCache(directory: "/nowhere")) }
        #expect(
            error?.description
                == "data set mnist: train-images-idx3-ubyte is not in /nowhere/mnist; run scripts/fetch-data mnist")
    }

    @Test("lists the known data sets if a name is unknown")
    func unknown() throws {
        let error = try dataError { try DataSource.named("mnits").load(cache: DataCache(directory: "/nowhere")) }
        #expect(error?.description == "data set mnits: no such data set; known: mnist, mnist-60000, fashion-mnist")
        #expect(try dataError { try DataCache(directory: "/nowhere").verify("mnits") } == error)
    }

    @Test("names the script if a data set is damaged, and refuses another data set")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let fixture = IDXFixture.small
        let cache = DataCache(directory: folder.path)
        try folder.write(fixture.images, to: "mnist/train-images-idx3-ubyte")
        try folder.write(gzip(fixture.labels), to: "mnist/train-labels-idx1-ubyte.gz")
        try folder.write(fixture.testImages.dropLast(), to: "mnist/t10k-images-idx3-ubyte")
        try folder.write(fixture.testLabels, to: "mnist/t10k-labels-idx1-ubyte")
        let truncated = try dataError { try DataSource.named("mnist").load(cache: cache) }
        #expect(truncated?.reason == .truncated(declared: 28, found: 27))
        #expect(
            truncated?.description.hasSuffix("; run scripts/fetch-data mnist, which replaces damaged files") == true)
        try folder.write(fixture.testImages, to: "mnist/t10k-images-idx3-ubyte")
        let tooSmall = try dataError { try DataSource.named("mnist").load(cache: cache) }
        #expect(tooSmall?.reason == .invalidValidationCount(validation: 10_000, samples: 6))
    }

    @Test("reports each file of a data set")
    func verify() throws {
        let folder = try TemporaryFolder()
        try folder.write([1, 2, 3], to: "mnist/train-images-idx3-ubyte")
        try folder.write(gzip([1, 2, 3]), to: "mnist/train-labels-idx1-ubyte.gz")
        try folder.write([0x1f, 0x8b, 0], to: "mnist/t10k-images-idx3-ubyte")
        let report = try DataCache(directory: folder.path).verify("mnist")
        #expect(!report.isComplete)
        #expect(report.directory == folder.path + "/mnist")
        #expect(report.files.map(\.size) == [3, 3, nil, nil])
        // `printf '\1\2\3' | sha256sum`
        let digest = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
        #expect(report.files.map(\.sha256) == [digest, digest, nil, nil])
        let mnist = KnownDataset.mnist
        #expect(report.files[0].status == .wrongDigest(expected: mnist.trainingImages.sha256))
        #expect(report.files[1].status == .wrongDigest(expected: mnist.trainingLabels.sha256))
        #expect(report.files[1].path == folder.path + "/mnist/train-labels-idx1-ubyte.gz")
        #expect(
            report.files[2].status
                == .unreadable(
                    DataError(.damagedGzip("it ends early"), subject: report.files[2].path, offset: 3)))
        #expect(report.files[3].status == .missing)
    }

    @Test("tells a data set that has not been fetched from one with missing files")
    func absent() throws {
        let folder = try TemporaryFolder()
        try folder.write([1, 2, 3], to: "mnist/train-images-idx3-ubyte")
        let cache = DataCache(directory: folder.path)
        #expect(try !cache.verify("mnist").isAbsent && !cache.verify("mnist-60000").isAbsent)
        #expect(try cache.verify("fashion-mnist").isAbsent)
    }

    @Test("knows the same files and digests as the script that fetches them", arguments: KnownDataset.all)
    func script(known: KnownDataset) throws {
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized
        let text = try String(contentsOf: root.appendingPathComponent(FetchScript.inCheckout), encoding: .utf8)
        for file in known.files {
            let line = try #require(text.split(separator: "\n").first { $0.contains(file.sha256) })
            #expect(line.contains(file.name))
        }
    }

    @Test("names the script that was installed with the program, else the script of a checkout")
    func fetchScript() throws {
        let folder = try TemporaryFolder()
        let program = "\(folder.path)/bin/lockstep"
        #expect(FetchScript.path(forProgram: program) == "scripts/fetch-data")
        try folder.write([], to: "share/lockstep/scripts/fetch-data")
        #expect(FetchScript.path(forProgram: program) == "scripts/fetch-data")
        let script = "\(folder.path)/share/lockstep/scripts/fetch-data"
        try #require(chmod(script, 0o755) == 0)
        #expect(FetchScript.path(forProgram: program) == script)
        #expect(FetchScript.path(forProgram: "") == "scripts/fetch-data")
        #expect(KnownDataset.mnist60000.fetchCommand == "scripts/fetch-data mnist")
    }
}

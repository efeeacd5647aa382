import Foundation
import LockstepCompute
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// oneDNN cuts its loops by the sizes of the CPU's caches, and on CPUs that do not tell them as Intel's do, by sizes in a table.
/// Copies of the library with other tables stand for other CPUs.
@Suite("Cache sizes", .enabled(if: PatchedLibrary.isPossible, "this oneDNN does not take cache sizes from a table"))
struct CacheSizeTests {
    @Test(
        "convolutions have the same bits, whatever the sizes of the first and second level",
        arguments: NumericKernel.supported)
    func sizes(kernel: NumericKernel) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-caches-\(getpid())-\(kernel)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var digests: Set<String> = []
        for sizes in [(32, 512, 1024), (48, 2048, 1920), (16, 128, 512)] as [(Int, Int, Int)] {
            let file = folder.appending(path: "libdnnl.so.2").path
            try PatchedLibrary.write(kibibytes: sizes, to: file)
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                [name = kernel.rawValue as String, file = file as String] in
                let library = try ComputeLibrary.open(NumericKernel.resolve(name), searching: [file])
                print("digest", try digest(library))
            }
            let output = result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } ?? ""
            digests.insert(String(try #require(output.firstMatch(of: #/digest \d+/#)).output))
        }
        #expect(digests.count == 1)
    }
}

/// Installed copies of oneDNN whose table of cache sizes can be changed.
private enum PatchedLibrary {
    /// The sizes that oneDNN 2.6 assumes, in bytes: the first, second and third level, for each core.
    private static let table: [UInt32] = [32 << 10, 512 << 10, 1024 << 10]

    static let isPossible: Bool = {
        let processor = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return NumericKernel.portable.isSupported && !processor.contains("GenuineIntel") && original != nil
    }()

    /// The library's bytes, and where the table is; nil if there is no library or no such table.
    private static let original: (bytes: Data, offset: Int)? = {
        let names = ["/usr/lib/x86_64-linux-gnu/libdnnl.so.2", "/usr/local/lib/libdnnl.so.2"]
        guard let bytes = names.lazy.compactMap({ FileManager.default.contents(atPath: $0) }).first else { return nil }
        let pattern = table.withUnsafeBytes { Data($0) }
        guard let first = bytes.firstRange(of: pattern) else { return nil }
        return bytes[first.upperBound...].firstRange(of: pattern) == nil ? (bytes, first.lowerBound) : nil
    }()

    static func write(kibibytes sizes: (Int, Int, Int), to file: String) throws {
        let (bytes, offset) = try #require(original)
        let table = [sizes.0, sizes.1, sizes.2].map { UInt32($0 << 10) }
        var patched = bytes
        patched.replaceSubrange(offset..<offset + 12, with: table.withUnsafeBytes { Data($0) })
        try patched.write(to: URL(filePath: file))
    }
}

/// FNV-1a of the results of convolutions whose images, or images times channels, exceed the first level.
private func digest(_ library: ComputeLibrary) throws -> UInt64 {
    let lanes = library.channelLanes
    var hash: UInt64 = 14_695_981_039_346_656_037
    for (kernel, side, channels, filters) in [
        (1, 23, 32, 32), (1, 35, 20, 16), (1, 14, 64, 64), (3, 28, 32, 32), (3, 40, 16, 20), (5, 14, 32, 48),
        (7, 32, 3, 16),
    ] {
        let padding = kernel / 2
        let geometry = Convolution.Geometry(
            inputChannels: channels, inputRows: side, inputColumns: side, filters: filters, kernelRows: kernel,
            kernelColumns: kernel, paddingTop: padding, paddingLeft: padding, paddingBottom: padding,
            paddingRight: padding)
        let reference = ReferenceConvolution(geometry, rows: 2, sourceLanes: lanes, lanes: lanes, seed: 3)
        let computed = try ComputedConvolution(reference, library)
        for values in [computed.outputs, computed.inputErrors, computed.weightGradient, computed.biasGradient] {
            for value in values { hash = (hash ^ UInt64(value.bitPattern)) &* 1_099_511_628_211 }
        }
    }
    return hash
}

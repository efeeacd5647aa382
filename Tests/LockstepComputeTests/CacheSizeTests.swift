import CProcessorTrap
import Foundation
import LockstepCompute
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// oneDNN cuts its loops by the sizes of the CPU's caches, which CPUID tells, or by sizes in a table for CPUs that do not tell them
/// as Intel's do. The bits must not depend on them.
@Suite("Cache sizes", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct CacheSizeTests {
    @Test(
        "products and convolutions have the same bits, whatever caches and vendor the processor shows",
        .enabled(if: processor_trap_is_possible() != 0, "this machine cannot make CPUID trap"),
        arguments: NumericKernel.supported)
    func shown(kernel: NumericKernel) async throws {
        let truth = try printedDigest(
            await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                [name = kernel.rawValue as String] in
                print("digest", try digest(ComputeLibrary.open(NumericKernel.resolve(name))))
            })
        for (vendor, kibibytes) in [
            ("GenuineIntel", [16, 128, 1024]), ("GenuineIntel", [64, 4096, 98_304]),
            ("AuthenticAMD", [32, 512, 16_384]),
        ] as [(String, [UInt32])] {
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                [name = kernel.rawValue as String, vendor = vendor as String, kibibytes = kibibytes as [UInt32]] in
                let bytes = kibibytes.map { $0 << 10 }
                let text = try #require(strdup(vendor))
                let processor = shown_processor(vendor: text, cache_bytes: (bytes[0], bytes[1], bytes[2]))
                try #require(processor_trap_show(processor) == 0)
                let digest = try digest(ComputeLibrary.open(NumericKernel.resolve(name)))
                // oneDNN has asked.
                #expect(processor_trap_count() > 0)
                print("digest", digest)
            }
            let shown = try printedDigest(result)
            #expect(shown == truth, "\(vendor), \(kibibytes) KiB")
        }
    }

    @Test(
        "convolutions have the same bits, whatever sizes oneDNN assumes",
        .enabled(if: PatchedLibrary.isPossible, "this oneDNN does not take cache sizes from a table"),
        arguments: NumericKernel.supported)
    func assumed(kernel: NumericKernel) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lockstep-caches-\(getpid())-\(kernel)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var digests: Set<String> = []
        for sizes in [(32, 512, 1024), (48, 2048, 1920), (16, 128, 512)] as [(Int, Int, Int)] {
            let file = folder.appending(path: "libdnnl.so.2").path
            try PatchedLibrary.write(kibibytes: sizes, to: file)
            let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
                [name = kernel.rawValue as String, file = file as String] in
                print("digest", try digest(ComputeLibrary.open(NumericKernel.resolve(name), searching: [file])))
            }
            digests.insert(try printedDigest(result))
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

/// The digest that a process has printed.
private func printedDigest(_ result: ExitTest.Result?) throws -> String {
    let output = result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } ?? ""
    return String(try #require(output.firstMatch(of: #/digest \d+/#)).output)
}

/// FNV-1a of the results of large products, and of convolutions whose images, or images times channels, exceed the first level.
private func digest(_ library: ComputeLibrary) throws -> UInt64 {
    let lanes = library.channelLanes
    var hash: UInt64 = 14_695_981_039_346_656_037
    for (rows, outputs, inputs) in [(10, 300, 784), (100, 300, 784), (257, 1000, 333), (64, 100, 300)] {
        let products = try library.products(forLayersOf: [outputs])
        var random = TestRandom(seed: UInt64(rows))
        func values(_ count: Int) -> [Float] { (0..<count).map { _ in random.value() } }
        let (a, w, d) = (values(rows * inputs), values(outputs * inputs), values(rows * outputs))
        var (forward, gradient, errors) = ([Float](d), [Float](w), [Float](a))
        products.forward(rows: rows, outputs: outputs, inputs: inputs, a: a, w: w, into: &forward)
        products.weightGradient(
            rows: rows, outputs: outputs, inputs: inputs, d: d, a: a, accumulating: false, into: &gradient)
        products.backward(rows: rows, outputs: outputs, inputs: inputs, d: d, w: w, into: &errors)
        for value in forward + gradient + errors {
            hash = (hash ^ UInt64(value.bitPattern)) &* 1_099_511_628_211
        }
    }
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

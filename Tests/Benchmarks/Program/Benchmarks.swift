import CAllocations
import Glibc
import LockstepCompute
import LockstepTimeline

/// Measures the parts of a training step one by one. `scripts/bench-kernels` builds and runs it.
///
///     Benchmarks time [FILTER]     the nanoseconds of each, the median and the fastest of several windows
///     Benchmarks count             for callgrind: runs each a few times, and prints its allocations
///
/// `LOCKSTEP_KERNEL` in the environment names the kernel, as `--kernel` does for the program.
@main
enum Benchmarks {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let kernel = getenv("LOCKSTEP_KERNEL").map { String(cString: $0) } ?? "auto"
        let library = try ComputeLibrary.open(try NumericKernel.resolve(kernel))
        switch arguments.first {
        case "time":
            let filter = arguments.dropFirst().first ?? ""
            print(try library.describeOneDNN())
            // As many samples as MNIST has for training.
            for benchmark in try all(library, samples: 50_000) where benchmark.name.contains(filter) {
                benchmark.time()
            }
        case "count":
            for benchmark in try all(library, samples: 2_000) where !benchmark.isLong { benchmark.count() }
        default:
            fputs("usage: Benchmarks time [FILTER] | count\n", stderr())
            exit(64)
        }
    }

    private static func all(_ library: ComputeLibrary, samples: Int) throws -> [Benchmark] {
        let dataset = try byteDataset(samples: samples)
        return try kernelBenchmarks(dataset, library) + stepBenchmarks(dataset, library)
    }
}

/// One part of a step, which can be repeated.
struct Benchmark {
    let name: String
    /// Whether counting its instructions takes too long.
    let isLong: Bool
    let body: () -> Void

    init(_ name: String, isLong: Bool = false, _ body: @escaping () -> Void) {
        self.name = name
        self.isLong = isLong
        self.body = body
    }

    private static let windows = 15
    private static let windowNanoseconds: UInt64 = 20_000_000

    /// Prints the nanoseconds of a repetition.
    func time() {
        var repetitions = 1
        while nanoseconds(of: repetitions) < Self.windowNanoseconds { repetitions *= 2 }
        let times = (0..<Self.windows).map { _ in Double(nanoseconds(of: repetitions)) / Double(repetitions) }.sorted()
        print("\(padded(name, 48)) \(padded(times[times.count / 2], 12)) ns   fastest \(padded(times[0], 12)) ns")
    }

    private func nanoseconds(of repetitions: Int) -> UInt64 {
        let start = Instant.now
        for _ in 0..<repetitions { body() }
        return Instant.now.nanoseconds - start.nanoseconds
    }

    /// Repetitions that are counted. The allocations and instructions of all of them are reported, so that one in every few
    /// repetitions is seen, too.
    private static let counted = 4

    /// Prints the benchmark's name and the allocations of a few repetitions, after two that are not counted: buffers that
    /// alternate have then all been used.
    func count() {
        repeatedBody = body
        for _ in 0..<2 { body() }
        let before = allocations_of_thread()
        repeatBody(Self.counted)
        let allocations = allocations_of_thread() - before
        print("\(name)\t\(allocations)")
    }
}

/// The body of the benchmark that is being counted.
nonisolated(unsafe) private var repeatedBody: () -> Void = {}

/// Repeats it. scripts/bench-kernels has callgrind count the instructions of the function of this name.
@inline(never)
private func repeatBody(_ count: Int) {
    for _ in 0..<count { repeatedBody() }
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

private func padded(_ number: Double, _ width: Int) -> String {
    let text = number < 100 ? "\((number * 10).rounded() / 10)" : "\(Int(number.rounded()))"
    return String(repeating: " ", count: max(0, width - text.count)) + text
}

private func stderr() -> UnsafeMutablePointer<FILE>? { fdopen(STDERR_FILENO, "w") }

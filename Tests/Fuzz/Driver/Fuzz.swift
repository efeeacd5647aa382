import Glibc
import LockstepFuzzTargets

// Two programs in one file. Built with -DFUZZING and libFuzzer, it fuzzes the decoder that LOCKSTEP_FUZZ_TARGET names. Built
// plainly, it decodes the files on its command line. scripts/fuzz builds both.

#if FUZZING
    private let fuzzed: FuzzTarget = {
        guard let name = getenv("LOCKSTEP_FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
            print("set LOCKSTEP_FUZZ_TARGET to one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
            exit(64)
        }
        return target
    }()

    /// libFuzzer's entry: one input.
    ///
    /// - Parameters:
    ///   - data: The input's bytes.
    ///   - size: How many.
    /// - Returns: 0, as libFuzzer wants it.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func testOneInput(_ data: UnsafeRawPointer?, _ size: Int) -> CInt {
        fuzzed.run(UnsafeRawBufferPointer(start: data, count: size))
        return 0
    }
#else
    /// Replays inputs: `Fuzz TARGET FILE...`. Without arguments it names the targets; `Fuzz TARGET --write DIR` adds to a
    /// folder the valid inputs that this program writes itself.
    @main
    enum Replay {
        static func main() throws {
            let arguments = CommandLine.arguments.dropFirst()
            guard let name = arguments.first, let target = FuzzTarget(rawValue: name) else {
                for target in FuzzTarget.allCases { print(target.rawValue) }
                return
            }
            if arguments.count == 3, arguments.dropFirst().first == "--write", let folder = arguments.last {
                for (number, bytes) in try target.writtenInputs().enumerated() {
                    guard write(bytes, to: "\(folder)/written-\(number)") else { exit(73) }
                }
                return
            }
            var valid = 0
            for path in arguments.dropFirst() {
                guard let bytes = content(of: path) else {
                    print("\(path): \(String(cString: strerror(errno)))")
                    exit(66)
                }
                if target.run(bytes) { valid += 1 }
            }
            print("\(name): \(arguments.count - 1) inputs, \(valid) of them valid")
        }

        private static func write(_ bytes: [UInt8], to path: String) -> Bool {
            guard let file = fopen(path, "wb") else { return false }
            defer { fclose(file) }
            return fwrite(bytes, 1, bytes.count, file) == bytes.count
        }

        private static func content(of path: String) -> [UInt8]? {
            guard let file = fopen(path, "rb") else { return nil }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = fread(&bytes, 1, bytes.count, file)
            return Array(bytes.prefix(count))
        }
    }
#endif

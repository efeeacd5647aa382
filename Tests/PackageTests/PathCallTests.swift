import Foundation
import Testing

/// Reads the sources of all targets.
@Suite("System calls that take paths")
struct PathCallTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    @Test("A file that passes paths to the system imports the functions that pass names byte for byte")
    func imports() throws {
        let files = FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil)
        var count = 0
        while let file = files?.nextObject() as? URL {
            let isExempt = ["Examples", "LockstepSystem", "LockstepCompute"].contains { file.path.contains("/\($0)/") }
            guard file.pathExtension == "swift", !isExempt else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            guard text.contains("import Glibc\n") else { continue }
            let calls = text.matches(
                of: #/[ (!](open|access|lstat|mkdir|rmdir|unlink|rename)\((?!\)|_:|\w+\[)/#)
            let methods = text.contains("func open(")
            guard !calls.isEmpty, !methods else { continue }
            count += 1
            #expect(text.contains("import LockstepSystem\n"), "\(file.lastPathComponent): \(calls.map(\.output.0))")
            // These know Unicode only.
            let others = text.matches(
                of: #/contentsOfDirectory|contentsOfFile|fileURLWithPath|temporaryDirectory|mkdtemp/#)
            #expect(others.isEmpty, "\(file.lastPathComponent): \(others.map(\.output))")
        }
        #expect(count >= 10)
    }
}

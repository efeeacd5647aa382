import Foundation
import Testing

/// Reads the sources of the targets that are given the time.
@Suite("Where no clock is read")
struct NoClockTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    @Test(
        "The state machines, the messages and the cost model read no clock: the same events give the same decisions",
        arguments: ["LockstepCluster", "LockstepProtocol", "LockstepCostModel", "LockstepSharding"])
    func clocks(target: String) throws {
        let files = FileManager.default.enumerator(
            at: Self.sources.appending(path: target), includingPropertiesForKeys: nil)
        var count = 0
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            count += 1
            let text = try String(contentsOf: file, encoding: .utf8)
            // `.now` without a value before it is the clock's; `clock.now` is what a machine has been told.
            let reads = text.matches(of: #/Instant\.now|[ (,]\.now\b|clock_gettime|ContinuousClock|Date\(\)/#)
            #expect(reads.isEmpty, "\(file.lastPathComponent): \(reads.map(\.output))")
        }
        #expect(count >= 3)
    }
}

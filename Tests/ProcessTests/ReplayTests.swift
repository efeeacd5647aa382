import LockstepTesting
import Testing

/// `lockstep replay` on the record of a run.
@Suite("Replaying a run's events", .serialized, .oneAtATime)
struct ReplayTests {
    @Test(
        "A run's record gives the same decisions; for a changed record the event is named, and a damaged one is rejected"
    )
    func replay() throws {
        let place = try Workplace()
        _ = try place.train(["--workers", "2", "--record-events", place.folder("events")])
        let same = try Program.run(["replay", "events"], in: place.folder.path)
        #expect(same.status == 0, "\(same)")
        #expect(same.output.contains(", 100 steps, ") && same.output.hasSuffix("the same decisions as in the run\n"))

        let listed = try Program.run(["replay", "events", "--verbose"], in: place.folder.path)
        #expect(listed.status == 0 && listed.output.hasPrefix("0   "))
        #expect(listed.output.hasSuffix(same.output))
        #expect(listed.output.split(separator: "\n").count <= 1_002)

        var record = try bytes(of: place.folder("events"))
        // The digest of the last event's actions.
        record[record.count - 1] ^= 1
        try place.folder.write(record, to: "changed")
        let changed = try Program.run(["replay", "changed"], in: place.folder.path)
        #expect(changed.status == 70 && changed.output.isEmpty, "\(changed)")
        #expect(changed.errorLines.count == 1, "\(changed)")
        #expect(changed.errors.hasPrefix("lockstep: changed: the decisions differ at event "))

        try place.folder.write(record.dropFirst(), to: "damaged")
        let damaged = try Program.run(["replay", "damaged"], in: place.folder.path)
        #expect(damaged.status == 65 && damaged.errors.contains("it does not start like one"), "\(damaged)")
        let missing = try Program.run(["replay", "missing"], in: place.folder.path)
        #expect(missing.status == 66 && missing.errors.contains("missing: no such file"), "\(missing)")
    }
}

import Foundation
import Testing

@testable import LockstepTraining

@Suite("Counts of the membership")
struct MembershipCountsTests {
    @Test("Counts are read as they were written, and the ones that an older version did not write are zero")
    func coding() throws {
        var counts = MembershipCounts()
        (counts.lost, counts.joined, counts.shardsReassigned, counts.inlinePayloadBytes) = (1, 2, 3, 4)
        (counts.restarts, counts.duplicates, counts.stepsAudited, counts.quarantined) = (5, 6, 7, 8)
        counts.isBitwiseReproducible = false
        let data = try JSONEncoder().encode(counts)
        #expect(try JSONDecoder().decode(MembershipCounts.self, from: data) == counts)
        let old =
            #"{"lost":1,"joined":2,"shardsReassigned":3,"inlinePayloadBytes":4,"isBitwiseReproducible":false}"#
        (counts.restarts, counts.duplicates, counts.stepsAudited, counts.quarantined) = (0, 0, 0, 0)
        #expect(try JSONDecoder().decode(MembershipCounts.self, from: Data(old.utf8)) == counts)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(MembershipCounts.self, from: Data("{}".utf8))
        }
    }

    @Test("The counts of a resumed run are the sum of the counts before and after")
    func sum() {
        var (before, after, expected) = (MembershipCounts(), MembershipCounts(), MembershipCounts())
        (before.lost, before.joined, before.shardsReassigned, before.inlinePayloadBytes) = (1, 2, 3, 4)
        (after.lost, after.joined, after.shardsReassigned, after.inlinePayloadBytes) = (10, 20, 30, 40)
        (expected.lost, expected.joined, expected.shardsReassigned, expected.inlinePayloadBytes) = (11, 22, 33, 44)
        (before.restarts, before.duplicates, before.stepsAudited, before.quarantined) = (5, 6, 7, 8)
        (after.restarts, after.duplicates, after.stepsAudited, after.quarantined) = (50, 60, 70, 80)
        (expected.restarts, expected.duplicates, expected.stepsAudited, expected.quarantined) = (55, 66, 77, 88)
        #expect(before + after == expected)
        for (left, right) in [(false, true), (true, false), (false, false)] {
            (before.isBitwiseReproducible, after.isBitwiseReproducible) = (left, right)
            #expect(!(before + after).isBitwiseReproducible)
        }
    }
}

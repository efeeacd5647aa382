import Foundation
import Testing

@testable import LockstepTraining

@Suite("Counts of the membership")
struct MembershipCountsTests {
    @Test("Counts come back as they were, and those that an older version did not keep are zero")
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

    @Test("What happened before a run was resumed counts, too")
    func sum() {
        var (before, after) = (MembershipCounts(), MembershipCounts())
        (before.restarts, before.duplicates, before.stepsAudited, before.quarantined) = (1, 2, 3, 4)
        (after.restarts, after.duplicates, after.stepsAudited, after.quarantined) = (10, 20, 30, 40)
        let sum = before + after
        #expect(sum.restarts == 11 && sum.duplicates == 22 && sum.stepsAudited == 33 && sum.quarantined == 44)
    }
}

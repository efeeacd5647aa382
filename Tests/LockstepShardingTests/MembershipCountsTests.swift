import Foundation
import LockstepSharding
import Testing

@Suite("Counts of the membership")
struct MembershipCountsTests {
    /// Every property set, to 1, 2, 4, 8 ... times `factor`.
    private func counts(_ factor: Int) -> MembershipCounts {
        var counts = MembershipCounts()
        (counts.lost, counts.joined, counts.shardsReassigned) = (factor, 2 * factor, 4 * factor)
        (counts.speculativeItems, counts.stepsAudited, counts.quarantined) = (8 * factor, 16 * factor, 32 * factor)
        (counts.restarts, counts.inlinePayloadBytes) = (64 * factor, UInt64(128 * factor))
        (counts.rewinds, counts.stepsRepeated) = (256 * factor, 512 * factor)
        return counts
    }

    @Test("Counts are read as they were written, and the ones that an older version did not write are zero")
    func coding() throws {
        var counts = counts(1)
        counts.isBitwiseReproducible = false
        let data = try JSONEncoder().encode(counts)
        #expect(String(decoding: data, as: UTF8.self).contains(#""duplicates":8"#))
        #expect(try JSONDecoder().decode(MembershipCounts.self, from: data) == counts)
        let old =
            #"{"lost":1,"joined":2,"shardsReassigned":4,"inlinePayloadBytes":128,"isBitwiseReproducible":false}"#
        (counts.restarts, counts.speculativeItems, counts.stepsAudited, counts.quarantined) = (0, 0, 0, 0)
        (counts.rewinds, counts.stepsRepeated) = (0, 0)
        #expect(try JSONDecoder().decode(MembershipCounts.self, from: Data(old.utf8)) == counts)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(MembershipCounts.self, from: Data("{}".utf8))
        }
    }

    @Test("The counts of a resumed run are the sum of the counts before and after")
    func sum() {
        #expect(Mirror(reflecting: MembershipCounts()).children.count == 11, "the sum has to know each")
        #expect(counts(1) + counts(10) == counts(11))
        for (left, right) in [(false, true), (true, false), (false, false)] {
            var (before, after) = (counts(1), counts(2))
            (before.isBitwiseReproducible, after.isBitwiseReproducible) = (left, right)
            #expect(!(before + after).isBitwiseReproducible)
        }
    }

    @Test("Counts of a file that no run can have are found, whichever it is: their sums would overflow")
    func plausible() throws {
        #expect(counts(1).isPlausible && counts(MembershipCounts.maximumCount / 512).isPlausible)
        let keys = [
            "lost", "joined", "shardsReassigned", "duplicates", "stepsAudited", "quarantined", "restarts",
            "inlinePayloadBytes", "rewinds", "stepsRepeated",
        ]
        for key in keys {
            for value in [-1, MembershipCounts.maximumCount + 1, .max] where key != "inlinePayloadBytes" || value > 0 {
                var object: [String: Int] = Dictionary(uniqueKeysWithValues: keys.map { ($0, 0) })
                object[key] = value
                let numbers = object.map { "\"\($0)\":\($1)" }.joined(separator: ",")
                let data = Data("{\(numbers),\"isBitwiseReproducible\":true}".utf8)
                #expect(try !JSONDecoder().decode(MembershipCounts.self, from: data).isPlausible, "\(key) \(value)")
            }
        }
    }
}

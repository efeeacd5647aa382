/// What happened to the workers of a run, for its summary.
package struct MembershipCounts: Hashable, Sendable {
    /// Worker processes; those of an aggregator count with it.
    package var lost = 0
    package var joined = 0
    /// Shards that were reassigned because their worker was lost.
    package var shardsReassigned = 0
    /// Nodes and evaluation blocks of slow workers that an idle worker was also given.
    package var speculativeItems = 0
    package var stepsAudited = 0
    /// Workers whose results were found wrong.
    package var quarantined = 0
    /// How often the run went back to an earlier state, because memory had changed or numbers were wrong.
    package var rewinds = 0
    /// Steps that were computed once more because of that.
    package var stepsRepeated = 0
    /// Workers of this host that died and were started again.
    package var restarts = 0
    /// Bytes of gradients and weights inside messages.
    package var inlinePayloadBytes: UInt64 = 0
    package var isBitwiseReproducible = true

    package init() {}

    /// Larger than any count of a run; sums of many such counts do not overflow.
    package static let maximumCount = 1 << 53

    private static let counts: [any WritableKeyPath<MembershipCounts, Int> & Sendable] = [
        \.lost, \.joined, \.shardsReassigned, \.speculativeItems, \.stepsAudited, \.quarantined, \.restarts,
        \.rewinds, \.stepsRepeated,
    ]

    /// Whether a run can have these counts; to be checked after reading them from a file.
    package var isPlausible: Bool {
        let range = 0...Self.maximumCount
        return range.contains(Int(clamping: inlinePayloadBytes))
            && Self.counts.allSatisfy { range.contains(self[keyPath: $0]) }
    }

    /// The sum of what happened before a run was resumed, and after.
    package static func + (left: MembershipCounts, right: MembershipCounts) -> MembershipCounts {
        var sum = left
        for count in counts { sum[keyPath: count] += right[keyPath: count] }
        sum.inlinePayloadBytes += right.inlinePayloadBytes
        sum.isBitwiseReproducible = left.isBitwiseReproducible && right.isBitwiseReproducible
        return sum
    }
}

extension MembershipCounts: Codable {
    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case lost, joined, shardsReassigned, stepsAudited, quarantined, restarts, inlinePayloadBytes
        case rewinds, stepsRepeated, isBitwiseReproducible
        case speculativeItems = "duplicates"
    }

    /// Reads counts; a count that an older version did not write is zero.
    ///
    /// - Throws: `DecodingError`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        lost = try values.decode(Int.self, forKey: .lost)
        joined = try values.decode(Int.self, forKey: .joined)
        shardsReassigned = try values.decode(Int.self, forKey: .shardsReassigned)
        inlinePayloadBytes = try values.decode(UInt64.self, forKey: .inlinePayloadBytes)
        isBitwiseReproducible = try values.decode(Bool.self, forKey: .isBitwiseReproducible)
        restarts = try values.decodeIfPresent(Int.self, forKey: .restarts) ?? 0
        speculativeItems = try values.decodeIfPresent(Int.self, forKey: .speculativeItems) ?? 0
        stepsAudited = try values.decodeIfPresent(Int.self, forKey: .stepsAudited) ?? 0
        quarantined = try values.decodeIfPresent(Int.self, forKey: .quarantined) ?? 0
        rewinds = try values.decodeIfPresent(Int.self, forKey: .rewinds) ?? 0
        stepsRepeated = try values.decodeIfPresent(Int.self, forKey: .stepsRepeated) ?? 0
    }
}

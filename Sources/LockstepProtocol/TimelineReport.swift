package import LockstepTimeline

/// A worker's timeline since its last report.
package struct TimelineReport: MessageBody {
    /// The most spans in a report. So many fit into one frame.
    package static let maximumSpans = Timeline.maximumSpans
    /// The most phases in a report.
    private static let maximumPhases = 64
    private static let fixedSize = 8 + 2 + 4
    private static let spanSize = 36
    package static let encodedSizes = fixedSize...fixedSize + 8 * maximumPhases + spanSize * maximumSpans

    /// The worker's monotonic clock when it wrote the report, in nanoseconds.
    package var clock: UInt64
    /// Nanoseconds in each phase, by its raw value.
    package var totals: [UInt64]
    package var spans: [Timeline.Span]

    /// - Parameters:
    ///   - clock: The worker's monotonic clock, in nanoseconds.
    ///   - totals: Nanoseconds in each phase.
    ///   - spans: The spans. Only the first ``maximumSpans`` are kept.
    package init(clock: UInt64, totals: [UInt64], spans: [Timeline.Span]) {
        self.clock = clock
        self.totals = Array(totals.prefix(Self.maximumPhases))
        self.spans = Array(spans.prefix(Self.maximumSpans))
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.fixedSize + 8 * totals.count + Self.spanSize * spans.count)
        writer.append(clock)
        writer.append(UInt16(totals.count))
        for total in totals { writer.append(total) }
        writer.append(UInt32(spans.count))
        for span in spans {
            writer.append(span.kind.rawValue)
            writer.append(span.phase.rawValue)
            writer.append(span.layer)
            writer.append(span.step)
            writer.append(span.start)
            writer.append(span.end)
            writer.append(span.detail)
        }
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        clock = try reader.integer(UInt64.self)
        let phases = Int(try reader.integer(UInt16.self))
        guard phases <= Self.maximumPhases else { throw .tooManyEntries(found: phases, limit: Self.maximumPhases) }
        totals = []
        for _ in 0..<phases { totals.append(try reader.integer(UInt64.self)) }
        let count = Int(try reader.integer(UInt32.self))
        guard count <= Self.maximumSpans else { throw .tooManyEntries(found: count, limit: Self.maximumSpans) }
        guard reader.remaining >= Self.spanSize * count else {
            throw .truncated(needed: frame.count - reader.remaining + Self.spanSize * count, found: frame.count)
        }
        spans = []
        spans.reserveCapacity(count)
        for _ in 0..<count { spans.append(try Self.span(&reader)) }
        try reader.finish()
    }

    private static func span(_ reader: inout ByteReader) throws(ProtocolError) -> Timeline.Span {
        let kind = try reader.integer(UInt8.self)
        let phase = try reader.integer(UInt8.self)
        guard let kind = Timeline.Span.Kind(rawValue: kind), let phase = Phase(rawValue: phase) else {
            throw .inconsistent(.timeline)
        }
        return Timeline.Span(
            kind: kind, phase: phase, layer: try reader.integer(UInt16.self), step: try reader.integer(UInt64.self),
            start: try reader.integer(UInt64.self), end: try reader.integer(UInt64.self),
            detail: try reader.integer(UInt64.self))
    }
}

import Foundation
package import LockstepTimeline

/// A trace of some steps of a run, as a file for Perfetto and chrome://tracing.
///
/// Format: "Trace Event Format" (Google, 2016), the JSON object form. Each process is a track with its steps, each step has
/// its phases, and an arrow leads from where a message was sent to where it arrived.
package struct ChromeTrace {
    /// The trace of one process.
    package struct Track {
        /// The title of the track.
        package var name: String
        package var processID: UInt32
        /// Nanoseconds from this process's clock to the coordinator's.
        package var clockOffset: Int64
        package var spans: [Timeline.Span]

        package init(name: String, processID: UInt32, clockOffset: Int64 = 0, spans: [Timeline.Span]) {
            self.name = name
            self.processID = processID
            self.clockOffset = clockOffset
            self.spans = spans
        }
    }

    /// In the order in which they are displayed.
    package var tracks: [Track]

    package init(tracks: [Track]) {
        self.tracks = tracks
    }

    /// Writes the file.
    ///
    /// - Parameter path: The file; an existing one is replaced atomically.
    /// - Throws: ``ArtifactError`` if it cannot be written.
    package func write(to path: String) throws(ArtifactError) {
        try AtomicFile.write(try text(path: path), to: path)
    }

    /// The file's content: one event a line.
    func text(path: String) throws(ArtifactError) -> String {
        // Times start at 0, so that a reader's doubles hold their nanoseconds.
        let origin = tracks.flatMap { track in track.spans.map { track.time($0.start) } }.min() ?? 0
        var events: [String] = []
        for (index, track) in tracks.enumerated() {
            let name = try jsonText(track.name, path: path).trimmingCharacters(in: .newlines)
            let place = #""pid":\#(index),"tid":0"#
            events.append(
                #"{"ph":"M","name":"process_name",\#(place),"args":{"name":\#(name),"pid":\#(track.processID)}}"#)
            events.append(#"{"ph":"M","name":"process_sort_index",\#(place),"args":{"sort_index":\#(index)}}"#)
            events += track.steps(place: place, origin: origin)
            events += track.spans.map { track.event($0, place: place, origin: origin) }
        }
        return "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n" + events.joined(separator: ",\n") + "\n]}\n"
    }
}

extension ChromeTrace.Track {
    /// A time of this process on the coordinator's clock.
    fileprivate func time(_ nanoseconds: UInt64) -> Int64 {
        Int64(bitPattern: nanoseconds) &+ clockOffset
    }

    /// An event for each step, around its phases.
    fileprivate func steps(place: String, origin: Int64) -> [String] {
        var ends: [UInt64: (start: UInt64, end: UInt64)] = [:]
        for span in spans where span.kind == .phase {
            let known = ends[span.step] ?? (span.start, span.end)
            ends[span.step] = (min(known.start, span.start), max(known.end, span.end))
        }
        return ends.sorted { $0.key < $1.key }.map { step, range in
            let times = times(range.start, range.end, origin)
            return #"{"ph":"X","name":"step \#(step)","cat":"step",\#(place),\#(times),"args":{"step":\#(step)}}"#
        }
    }

    fileprivate func event(_ span: Timeline.Span, place: String, origin: Int64) -> String {
        switch span.kind {
        case .phase:
            let layered = span.phase == .forward || span.phase == .backward
            let name = layered ? "\(span.phase) layer \(span.layer)" : "\(span.phase)"
            let times = times(span.start, span.end, origin)
            return #"{"ph":"X","name":"\#(name)","cat":"phase",\#(place),\#(times),"args":{"step":\#(span.step)}}"#
        case .departure, .arrival:
            let phase = span.kind == .departure ? #""ph":"s""# : #""ph":"f","bp":"e""#
            let time = Self.microseconds(time(span.start) &- origin)
            return #"{\#(phase),"name":"message","cat":"message","id":\#(span.detail),\#(place),"ts":\#(time)}"#
        }
    }

    private func times(_ start: UInt64, _ end: UInt64, _ origin: Int64) -> String {
        let duration = Int64(clamping: end > start ? end - start : 0)
        return #""ts":\#(Self.microseconds(time(start) &- origin)),"dur":\#(Self.microseconds(duration))"#
    }

    /// Nanoseconds as microseconds with three digits after the point.
    private static func microseconds(_ nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        let fraction = String(magnitude % 1_000)
        let sign = nanoseconds < 0 ? "-" : ""
        return "\(sign)\(magnitude / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

import Foundation
package import LockstepTimeline

/// What the processes of a run did in a window of steps, as a file that Perfetto and chrome://tracing open.
///
/// Format: "Trace Event Format" (Google, 2016), the JSON object form. A process is a track; on it lie its steps, in them
/// its phases; arrows lead from where a message left to where it arrived.
package struct ChromeTrace {
    /// One process's part.
    package struct Track {
        /// What people call it.
        package var name: String
        package var processID: UInt32
        /// Nanoseconds to add to its clock to get the coordinator's.
        package var clockOffset: Int64
        package var spans: [Timeline.Span]

        package init(name: String, processID: UInt32, clockOffset: Int64 = 0, spans: [Timeline.Span]) {
            self.name = name
            self.processID = processID
            self.clockOffset = clockOffset
            self.spans = spans
        }
    }

    /// In the order in which they are shown.
    package var tracks: [Track]

    package init(tracks: [Track]) {
        self.tracks = tracks
    }

    /// Writes the file.
    ///
    /// - Parameter path: Replaced as a whole if it exists.
    /// - Throws: ``ArtifactError`` if it cannot be written.
    package func write(to path: String) throws(ArtifactError) {
        try AtomicFile.write(try text(path: path), to: path)
    }

    /// The file's content: one event a line.
    func text(path: String) throws(ArtifactError) -> String {
        // Times start at 0, so that they keep their nanoseconds in a reader's doubles.
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
    /// A moment of this process on the coordinator's clock.
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

    /// Nanoseconds as the format's microseconds, none lost.
    private static func microseconds(_ nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        let fraction = String(magnitude % 1_000)
        let sign = nanoseconds < 0 ? "-" : ""
        return "\(sign)\(magnitude / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

import Foundation
import Glibc
import SwiftProtobuf

/// An open `events.out.tfevents.*`: scalars over steps, as TensorBoard shows them.
///
/// A record is 8 bytes of length, their masked CRC-32C, the event as a protocol buffer, and its masked CRC-32C, all
/// little-endian (TensorFlow, tensorflow/core/lib/io/record_writer.h). Each is handed to the kernel at once, so it
/// outlives a killed process.
final class EventFile {
    private let file: FileDescriptor
    private let now: () -> Date

    /// Opens a new file at `path` and writes the version record with which it must begin.
    init(path: String, now: @escaping () -> Date = { Date() }) throws(ArtifactError) {
        file = try FileDescriptor(path: path, flags: O_WRONLY | O_CREAT | O_APPEND)
        self.now = now
        var event = WireEvent()
        event.fileVersion = "brain.Event:2"
        try append(event)
    }

    /// Appends values at a step; those that are not finite are left out.
    func append(step: Int, _ values: [(tag: String, value: Double?)]) throws(ArtifactError) {
        var event = WireEvent()
        event.step = Int64(step)
        for case (let tag, let value?) in values where value.isFinite {
            var scalar = WireSummaryValue()
            scalar.tag = tag
            scalar.simpleValue = Float(value)
            event.summary.value.append(scalar)
        }
        try append(event)
    }

    private func append(_ event: WireEvent) throws(ArtifactError) {
        var event = event
        event.wallTime = now().timeIntervalSince1970
        let payload: [UInt8]
        do {
            payload = Array(try event.serializedData())
        } catch {
            throw .malformed(path: file.path, reason: "an event cannot be encoded: \(error)", remedy: nil)
        }
        try Self.record(payload).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// A payload in its frame.
    static func record(_ payload: [UInt8]) -> [UInt8] {
        func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian, Array.init)
        }
        let length = little(UInt64(payload.count))
        return length + little(CRC32C.masked(length)) + payload + little(CRC32C.masked(payload))
    }
}

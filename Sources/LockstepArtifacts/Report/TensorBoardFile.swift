import Foundation
import Glibc
import LockstepDigest

/// An open `events.out.tfevents.*`: scalars over steps, for TensorBoard.
///
/// A record is 8 bytes of length, their masked CRC-32C, the event as a protocol buffer, and its masked CRC-32C, all
/// little-endian (TensorFlow, tensorflow/core/lib/io/record_writer.h). Each record is written by one call, so a process that is
/// killed leaves whole records.
final class TensorBoardFile {
    private let file: ArtifactFile
    private let now: () -> Date

    /// Opens a new file at `path` and writes the version record, which must be the first.
    init(path: String, now: @escaping () -> Date = { Date() }) throws(ArtifactError) {
        file = try ArtifactFile(path: path, flags: O_WRONLY | O_CREAT | O_APPEND)
        self.now = now
        try append { $0.text(Field.fileVersion, "brain.Event:2") }
    }

    /// The fields of `Event`, `Summary` and `Summary.Value` (tensorflow/core/util/event.proto, summary.proto).
    private enum Field {
        static let wallTime: UInt64 = 1
        static let step: UInt64 = 2
        static let fileVersion: UInt64 = 3
        static let summary: UInt64 = 5
        static let summaryValue: UInt64 = 1
        static let tag: UInt64 = 1
        static let simpleValue: UInt64 = 2
    }

    /// Appends values at a step; those that are not finite are left out.
    func append(step: Int, _ values: [(tag: String, value: Double?)]) throws(ArtifactError) {
        try append { event in
            event.integer(Field.step, Int64(step))
            event.message(Field.summary) { summary in
                for case (let tag, let value?) in values where value.isFinite {
                    summary.message(Field.summaryValue) { scalar in
                        scalar.text(Field.tag, tag)
                        scalar.float(Field.simpleValue, Float(value))
                    }
                }
            }
        }
    }

    private func append(_ write: (inout ProtobufWriter) -> Void) throws(ArtifactError) {
        var event = ProtobufWriter()
        event.double(Field.wallTime, now().timeIntervalSince1970)
        write(&event)
        try Self.record(event.bytes).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// A payload with its length and checksums.
    static func record(_ payload: [UInt8]) -> [UInt8] {
        let length = UInt64(payload.count).littleEndianBytes
        return length + masked(length).littleEndianBytes + payload + masked(payload).littleEndianBytes
    }

    /// The checksum, rotated and shifted: the checksum of bytes that contain their checksum would be a constant otherwise
    /// (TensorFlow, tsl/lib/hash/crc32c.h).
    private static func masked(_ bytes: [UInt8]) -> UInt32 {
        let crc = bytes.withUnsafeBytes { CRC32C.checksum($0) }
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}

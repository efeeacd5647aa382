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

    /// The fields of `Event`, `SessionLog`, `Summary`, `Summary.Value` and `TensorProto` (tensorflow/core/util/event.proto,
    /// tensorflow/core/framework/summary.proto and tensor.proto).
    private enum Field {
        static let wallTime: UInt64 = 1
        static let step: UInt64 = 2
        static let fileVersion: UInt64 = 3
        static let summary: UInt64 = 5
        static let summaryValue: UInt64 = 1
        static let tag: UInt64 = 1
        static let simpleValue: UInt64 = 2
        static let sessionLog: UInt64 = 7
        static let status: UInt64 = 1
        static let tensor: UInt64 = 8
        static let metadata: UInt64 = 9
        static let plugin: UInt64 = 1
        static let pluginName: UInt64 = 1
        static let tensorType: UInt64 = 1
        static let tensorShape: UInt64 = 2
        static let tensorText: UInt64 = 8
    }

    /// The fields of a layout (tensorboard/plugins/custom_scalar/layout.proto).
    private enum LayoutField {
        static let category: UInt64 = 2
        static let title: UInt64 = 1
        static let chart: UInt64 = 2
        static let multiline: UInt64 = 2
        static let tag: UInt64 = 1
    }

    /// Says that the run goes on after a step: TensorBoard drops what earlier files of the run say about later steps.
    func appendStart(afterStep step: Int) throws(ArtifactError) {
        try append { event in
            event.integer(Field.step, Int64(step) + 1)
            event.message(Field.sessionLog) { $0.integer(Field.status, Self.started) }
        }
    }

    /// `SessionLog.START`.
    private static let started: Int64 = 1

    /// Describes charts with several curves, for TensorBoard's page "Custom Scalars".
    ///
    /// - Parameter charts: The title of each chart, and the tags of its curves.
    /// - Throws: ``ArtifactError`` if the file cannot be written.
    func appendLayout(_ charts: [(title: String, tags: [String])]) throws(ArtifactError) {
        var layout = ProtobufWriter()
        layout.message(LayoutField.category) { category in
            category.text(LayoutField.title, "Lockstep")
            for chart in charts {
                category.message(LayoutField.chart) { content in
                    content.text(LayoutField.title, chart.title)
                    content.message(LayoutField.multiline) { lines in
                        for tag in chart.tags { lines.text(LayoutField.tag, tag) }
                    }
                }
            }
        }
        try append { event in
            event.message(Field.summary) { summary in
                summary.message(Field.summaryValue) { value in
                    value.text(Field.tag, "custom_scalars__config__")
                    value.message(Field.tensor) { tensor in
                        tensor.integer(Field.tensorType, Self.string)
                        tensor.message(Field.tensorShape) { _ in }
                        tensor.data(Field.tensorText, layout.bytes)
                    }
                    value.message(Field.metadata) { metadata in
                        metadata.message(Field.plugin) { $0.text(Field.pluginName, "custom_scalars") }
                    }
                }
            }
        }
    }

    /// `DT_STRING`.
    private static let string: Int64 = 7

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

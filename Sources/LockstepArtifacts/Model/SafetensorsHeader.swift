import Foundation
import LockstepSystem
import LockstepText

/// The header of a safetensors file: where each tensor is, and metadata.
///
/// Format: 8 bytes of header length, little-endian; the header as JSON, padded with spaces; the tensors' bytes, without
/// holes or overlaps (https://huggingface.co/docs/safetensors, "Format").
package struct SafetensorsHeader: Hashable {
    struct Tensor: Hashable, Codable {
        /// `F32`, `BF16`, `I64` ...
        var dtype: String
        var shape: [Int]
        /// First byte and the byte after the last, counted from the end of the header.
        var dataOffsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case dataOffsets = "data_offsets"
        }
    }

    /// The bytes before the header.
    static let prefixLength = 8
    /// Bytes that a header may have; a network's header has one or two hundred for each tensor and each column of a table.
    package static let maximumLength = 16 << 20
    /// The tensors start at a multiple of this.
    private static let alignment = 8

    var tensors: [String: Tensor]
    var metadata: [String: String]

    /// The length and the padded header, as at the start of a file.
    func encoded() throws -> [UInt8] {
        var json = [UInt8](try JSONEncoder.sorted().encode(self))
        let padding = (Self.alignment - json.count % Self.alignment) % Self.alignment
        json += repeatElement(UInt8(ascii: " "), count: padding)
        return UInt64(json.count).littleEndianBytes + json
    }
}

extension SafetensorsHeader {
    /// Reads a header and checks that the tensors cover `dataLength` bytes without hole or overlap.
    ///
    /// JSON readers keep one of two equal keys. This check makes that harmless: the bytes of the other are a hole.
    init(json: some Collection<UInt8>, dataLength: Int, path: String) throws(ArtifactError) {
        func malformed(_ reason: String) -> ArtifactError {
            .malformed(
                path: path, reason: "not a valid safetensors file: \(reason)", remedy: "copy it from its source again")
        }
        guard json.first == UInt8(ascii: "{") else { throw malformed("the header does not start with '{'") }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            throw malformed("the header is not JSON of this format")
        }
        let byOffset = tensors.sorted { a, b in
            a.value.dataOffsets.lexicographicallyPrecedes(b.value.dataOffsets)
        }
        var covered = 0
        for (name, tensor) in byOffset {
            let offsets = tensor.dataOffsets
            guard offsets.count == 2, offsets[0] <= offsets[1], tensor.shape.allSatisfy({ $0 >= 0 }) else {
                throw malformed("the offsets or the shape of '\(name.printable)' are impossible")
            }
            guard offsets[0] == covered else {
                let fault = offsets[0] < covered ? "overlaps the tensor before it" : "starts after a hole"
                throw malformed("'\(name.printable)' \(fault)")
            }
            guard offsets[1] <= dataLength else {
                throw malformed(
                    "'\(name.printable)' ends at byte \(offsets[1]) of \(dataLength), so the file may be truncated")
            }
            covered = offsets[1]
        }
        guard covered == dataLength else {
            throw malformed("\(dataLength - covered) bytes after the last tensor")
        }
    }
}

extension SafetensorsHeader: Codable {
    private static let metadataKey = "__metadata__"

    /// A key of the header: a tensor's name or `__metadata__`.
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        tensors = [:]
        metadata = try container.decodeIfPresent([String: String].self, forKey: Name(Self.metadataKey)) ?? [:]
        for name in container.allKeys where name.stringValue != Self.metadataKey {
            tensors[name.stringValue] = try container.decode(Tensor.self, forKey: name)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(metadata, forKey: Name(Self.metadataKey))
        for (name, tensor) in tensors { try container.encode(tensor, forKey: Name(name)) }
    }
}

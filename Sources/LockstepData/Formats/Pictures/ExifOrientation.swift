/// How a camera was held: the transformation from the stored picture to the one that is meant to be seen (Exif 2.32, tag 274).
package enum ExifOrientation: Int, CaseIterable {
    case upright = 1
    case mirrored, upsideDown, flipped, transposed, quarterRight, transversed, quarterLeft

    /// The number of entries of a directory that are looked at.
    private static let entryLimit = 512
    private static let tag = 0x0112

    /// Whether the seen picture is as wide as the stored one is high.
    package var swapsSides: Bool { rawValue >= 5 }

    /// The stored pixel that is seen at a place.
    ///
    /// - Parameters:
    ///   - x: The column of the seen picture.
    ///   - y: Its row.
    ///   - width: The pixels of a stored row.
    ///   - height: The stored rows.
    /// - Returns: The stored pixel's column and row.
    package func source(ofX x: Int, y: Int, width: Int, height: Int) -> (x: Int, y: Int) {
        switch self {
        case .upright: (x, y)
        case .mirrored: (width - 1 - x, y)
        case .upsideDown: (width - 1 - x, height - 1 - y)
        case .flipped: (x, height - 1 - y)
        case .transposed: (y, x)
        case .quarterRight: (y, height - 1 - x)
        case .transversed: (width - 1 - y, height - 1 - x)
        case .quarterLeft: (width - 1 - y, x)
        }
    }

    /// The orientation that a JPEG file states in its first Exif segment (APP1); upright if it states none.
    package static func ofJPEG(_ bytes: [UInt8]) -> ExifOrientation {
        var position = 2
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            // Fill bytes may stand before a marker.
            if marker == 0xFF {
                position += 1
                continue
            }
            // The picture's data begin here.
            guard marker != 0xDA else { break }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            let segment = bytes[position + 4..<max(position + 4, min(bytes.count, position + 2 + length))]
            if marker == 0xE1, segment.starts(with: Array("Exif\0\0".utf8)) {
                return inTIFF(Array(segment.dropFirst(6)))
            }
            guard length >= 2 else { break }
            position += 2 + length
        }
        return .upright
    }

    /// The orientation that a PNG file states in its `eXIf` chunk; upright if it states none.
    package static func ofPNG(_ bytes: [UInt8]) -> ExifOrientation {
        var position = 8
        while position + 8 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            let content = position + 8..<max(position + 8, min(bytes.count, position + 8 + length))
            if bytes[position + 4..<position + 8].elementsEqual("eXIf".utf8) { return inTIFF(Array(bytes[content])) }
            position += 12 + length
        }
        return .upright
    }

    /// The orientation in the first directory of a TIFF structure.
    private static func inTIFF(_ bytes: [UInt8]) -> ExifOrientation {
        let isLittleEndian: Bool
        switch Array(bytes.prefix(4)) {
        case [0x49, 0x49, 42, 0]: isLittleEndian = true
        case [0x4D, 0x4D, 0, 42]: isLittleEndian = false
        default: return .upright
        }
        /// A number of `count` bytes; nil beyond the end.
        func number(at position: Int, count: Int) -> Int? {
            guard position >= 0, position + count <= bytes.count else { return nil }
            let field = bytes[position..<position + count]
            return isLittleEndian
                ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let directory = number(at: 4, count: 4), let count = number(at: directory, count: 2) else {
            return .upright
        }
        for index in 0..<min(count, entryLimit) {
            let entry = directory + 2 + 12 * index
            guard let tag = number(at: entry, count: 2) else { break }
            // One number of 16 bits, which stands in the entry itself.
            if tag == Self.tag, number(at: entry + 2, count: 2) == 3, number(at: entry + 4, count: 4) == 1 {
                return number(at: entry + 8, count: 2).flatMap(Self.init) ?? .upright
            }
        }
        return .upright
    }
}

import CZlib
import LockstepModel
import LockstepNetwork

/// A model as numpy reads it: `numpy.load("model.npz")["layers.0.weight"]`.
///
/// A zip archive of uncompressed `.npy` files (numpy, "NEP 1: a simple file format for numpy arrays"; PKWARE,
/// "APPNOTE.TXT"). Weights hardly compress.
struct NPZArchive {
    private(set) var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    init(_ model: TrainedModel) {
        for tensor in model.layout.tensors {
            append("\(tensor.name).npy", Self.header(shape: tensor.shape) + Array(model.bytes(of: tensor)))
        }
        finish()
    }

    /// The header of a `.npy` file of float32: magic, version, length, a Python dictionary padded to 64 bytes.
    private static func header(shape: [Int]) -> [UInt8] {
        let lengths = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(lengths)), }"
        let prefix: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let used = prefix.count + 2 + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - used % 64) % 64) + "\n"
        return prefix + Self.little(UInt16(text.utf8.count)) + Array(text.utf8)
    }

    private mutating func append(_ name: String, _ content: [UInt8]) {
        let checksum = content.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
        let size = Self.little(UInt32(content.count))
        // Version 2.0, no flags, stored, 1 January 1980: the same model gives the same file.
        let common =
            Self.little(UInt16(20)) + Self.little(UInt16(0)) + Self.little(UInt16(0)) + Self.little(UInt16(0))
            + Self.little(UInt16(0x21)) + Self.little(UInt32(truncatingIfNeeded: checksum)) + size + size
            + Self.little(UInt16(name.utf8.count)) + Self.little(UInt16(0))
        let offset = UInt32(bytes.count)
        bytes += Self.little(UInt32(0x0403_4B50)) + common + Array(name.utf8) + content
        // Comment, disk, attributes, offset.
        directory += Self.little(UInt32(0x0201_4B50)) + Self.little(UInt16(20)) + common
        directory += [UInt8](repeating: 0, count: 10) + Self.little(offset) + Array(name.utf8)
        count += 1
    }

    private mutating func finish() {
        let start = UInt32(bytes.count)
        bytes += directory
        bytes += Self.little(UInt32(0x0605_4B50)) + [0, 0, 0, 0]
        bytes += Self.little(UInt16(count)) + Self.little(UInt16(count))
        bytes += Self.little(UInt32(directory.count)) + Self.little(start) + [0, 0]
    }

    private static func little(_ number: some FixedWidthInteger) -> [UInt8] { number.littleEndianBytes }
}

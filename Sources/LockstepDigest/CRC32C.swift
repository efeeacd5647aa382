import CProcessor

/// The Castagnoli checksum, which finds damage by chance, not on purpose: of messages, and of TensorBoard's records.
///
/// RFC 3720, appendix B.4. Computed by the processor's instruction for it, eight bytes at a time: zlib's checksum is another
/// one, and several times as slow.
package enum CRC32C {
    /// The checksum of `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: Any bytes.
    ///   - previous: The checksum of the bytes before them; 0 if there are none.
    /// - Returns: The checksum of all bytes so far.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, after previous: UInt32 = 0) -> UInt32 {
        ~lockstep_crc32c(~previous, bytes.baseAddress, bytes.count)
    }
}

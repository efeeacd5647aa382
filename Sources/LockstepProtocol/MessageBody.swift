/// The content of a payload frame.
///
/// Integers are little-endian. Floating-point numbers are encoded as their bit patterns, texts as their length in bytes
/// (UInt16) and UTF-8.
package protocol MessageBody: Hashable, Sendable {
    /// The fewest and the most bytes of an encoded body.
    static var encodedSizes: ClosedRange<Int> { get }

    /// The payload frame, whose size is within ``encodedSizes``.
    func encoded() -> [UInt8]

    /// Reads a payload frame. Total: any bytes give a body or an error.
    ///
    /// - Parameter frame: The whole frame, of any alignment.
    /// - Throws: What is wrong with the frame. A body allocates no more than the frame holds, whatever counts it
    ///   claims.
    init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError)
}

/// Limits of texts in messages.
package enum MessageText {
    /// The most bytes of a text. The sender cuts a longer text.
    package static let maximumBytes = 1024
    /// The bytes of a text in a frame, including its length.
    static let encodedSizes = 2...2 + maximumBytes
}

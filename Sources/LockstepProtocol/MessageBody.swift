/// The content of a payload frame.
///
/// Integers are little-endian, floating-point numbers their bit patterns. A text is its length in bytes (UInt16) and
/// UTF-8.
package protocol MessageBody: Hashable, Sendable {
    /// The fewest and the most bytes that an encoded body has.
    static var encodedSizes: ClosedRange<Int> { get }

    /// The payload frame, whose size is within ``encodedSizes``.
    func encoded() -> [UInt8]

    /// Reads a payload frame. Total: any bytes give a body or an error.
    ///
    /// - Parameter frame: The whole frame, of any alignment.
    /// - Throws: What is wrong with the frame. Allocates only for what the frame really holds.
    init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError)
}

/// Limits of texts in messages.
package enum MessageText {
    /// The most bytes of a text. A longer text is cut when it is sent.
    package static let maximumBytes = 1024
    /// The bytes of a text in a frame, its length included.
    static let encodedSizes = 2...2 + maximumBytes
}

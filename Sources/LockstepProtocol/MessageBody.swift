/// The content of a payload frame.
///
/// Integers are little-endian, floating-point numbers their bit patterns. A text is its length in bytes (UInt16) and
/// UTF-8.
package protocol MessageBody: Hashable, Sendable {
    /// The fewest and the most bytes that an encoded body has.
    static var encodedSizes: ClosedRange<Int> { get }

    /// The payload frame; always within ``encodedSizes``.
    func encoded() -> [UInt8]

    /// Reads a payload frame, whatever bytes it consists of.
    ///
    /// - Parameter frame: The whole frame, of any alignment.
    /// - Throws: What is wrong with it. Memory is allocated only for what the frame really holds.
    init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError)
}

/// Limits of texts in messages.
package enum MessageText {
    /// The most bytes of a text. Longer ones are cut when they are sent.
    package static let maximumBytes = 1024
    /// The bytes that a text can take in a frame, its length included.
    static let encodedSizes = 2...2 + maximumBytes
}

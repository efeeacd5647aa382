/// A worker has the data set, and proves that it computes the same bits as the coordinator.
package struct Ready: MessageBody {
    /// The most digests. A run has few block sizes: those of full and last mini-batches, and those of evaluation
    /// blocks.
    package static let maximumDigests = 64
    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return text.lowerBound + 2...text.upperBound + 2 + maximumDigests * BlockDigest.encodedSize
    }()

    /// The name of the numeric kernel, for people.
    package var kernel: String
    /// A digest for each block size of the run. The coordinator compares these with its own.
    package var fingerprint: [BlockDigest]

    /// - Parameters:
    ///   - kernel: The kernel's name.
    ///   - fingerprint: At most ``maximumDigests``.
    package init(kernel: String, fingerprint: [BlockDigest]) {
        precondition(fingerprint.count <= Self.maximumDigests, "\(fingerprint.count) block sizes")
        self.kernel = kernel
        self.fingerprint = fingerprint
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + fingerprint.count * BlockDigest.encodedSize)
        writer.append(kernel)
        writer.append(UInt16(fingerprint.count))
        for block in fingerprint {
            writer.append(block.rows)
            writer.append(block.digest)
        }
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        kernel = try reader.text()
        let count = Int(try reader.integer(UInt16.self))
        guard count <= Self.maximumDigests else { throw .tooManyEntries(found: count, limit: Self.maximumDigests) }
        fingerprint = []
        for _ in 0..<count {
            let rows = try reader.integer(UInt32.self)
            let digest = try reader.bytes(count: BlockDigest.digestSize)
            fingerprint.append(BlockDigest(rows: rows, digest: digest))
        }
        try reader.finish()
    }
}

/// The digest of a synthetic gradient, computed over a block of ``rows`` samples.
package struct BlockDigest: Hashable, Sendable {
    /// Bytes of a SHA-256 digest.
    package static let digestSize = 32
    static let encodedSize = 4 + digestSize

    package let rows: UInt32
    /// ``digestSize`` bytes.
    package let digest: [UInt8]

    /// - Parameters:
    ///   - rows: The number of samples in the block.
    ///   - digest: ``digestSize`` bytes.
    package init(rows: UInt32, digest: [UInt8]) {
        precondition(digest.count == Self.digestSize, "a digest has \(Self.digestSize) bytes, not \(digest.count)")
        self.rows = rows
        self.digest = digest
    }
}

import CZlib

/// Inflates a gzip file (RFC 1952) of one or more members, directly to the caller's memory.
///
/// It buffers 64 KiB of compressed bytes and never inflates more than the caller asks for, so a file that would inflate
/// to terabytes does no harm. zlib verifies the members' checksums and lengths.
final class Inflater {
    private let file: InputFile
    /// At a fixed address, because zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    /// The number of compressed bytes read from the file.
    private var bytesRead = 0
    private var isBetweenMembers = false

    /// Starts at the file's current position, which must be the start of a member.
    init(file: InputFile) throws(DataError) {
        self.file = file
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        input = .allocate(byteCount: 64 * 1024, alignment: 16)
        let gzipOnly: Int32 = 16
        guard inflateInit2_(stream, MAX_WBITS + gzipOnly, zlibVersion(), Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw DataError(.outOfMemory(byteCount: input.count), subject: file.path) }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// Inflates some bytes; returns 0 only at the end of the last member. `destination` must not be empty.
    func inflate(into destination: UnsafeMutableRawBufferPointer) throws(DataError) -> Int {
        let wanted = min(destination.count, 1 << 30)
        stream.pointee.next_out = destination.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = uInt(wanted)
        while Int(stream.pointee.avail_out) == wanted {
            if stream.pointee.avail_in == 0, try refill() == 0 {
                guard isBetweenMembers else { throw damaged("it ends early") }
                return 0
            }
            if isBetweenMembers { try startNextMember() }
            switch CZlib.inflate(stream, Z_NO_FLUSH) {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isBetweenMembers = true
            case Z_MEM_ERROR: throw DataError(.outOfMemory(byteCount: input.count), subject: file.path)
            case Z_NEED_DICT: throw damaged("it needs a dictionary")
            default: throw damaged(stream.pointee.msg.map { String(cString: $0) } ?? "unknown error")
            }
        }
        return wanted - Int(stream.pointee.avail_out)
    }

    private func refill() throws(DataError) -> Int {
        let count = try file.read(into: input)
        bytesRead += count
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = uInt(count)
        return count
    }

    private func startNextMember() throws(DataError) {
        // The first byte of a member's magic number; zlib checks the second byte.
        guard stream.pointee.next_in.pointee == 0x1f else { throw damaged("other bytes follow its last member") }
        inflateReset(stream)
        isBetweenMembers = false
    }

    private func damaged(_ text: String) -> DataError {
        DataError(.damagedGzip(text), subject: file.path, offset: bytesRead - Int(stream.pointee.avail_in))
    }
}

import Glibc

/// A connection of libzmq's, by its file descriptor.
///
/// The descriptor is libzmq's to close, and another file may have its number by now. So the file is known by its inode,
/// too, which no other open socket has.
struct PeerConnection {
    let descriptor: Int32
    private let inode: UInt?

    /// Takes note of a connection that is open now.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        inode = Self.inode(of: descriptor)
    }

    /// Ends the connection in both directions, if it still stands: libzmq's thread finds it at its end.
    func cut() {
        guard let inode, Self.inode(of: descriptor) == inode else { return }
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private static func inode(of descriptor: Int32) -> UInt? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return status.st_ino
    }
}

import CLinux
import Glibc

/// Records and open files over a connected unix socket. Nothing here waits, and no bytes that the other end may send
/// do any harm.
package enum LocalSocket {
    /// The most open files that go with one record.
    package static let mostFiles = Int(linux_most_descriptors)

    /// What a look at the socket found.
    package enum Reception {
        case nothing
        /// The other end has gone.
        case ended
        /// So many bytes, and the open files that came with them.
        case received(count: Int, files: ReceivedFiles)
    }

    /// Sends a record, which is small enough to leave as a whole or not at all.
    ///
    /// - Parameters:
    ///   - record: A few bytes.
    ///   - files: At most ``mostFiles`` open files; they stay the sender's, too.
    ///   - socket: A connected unix socket.
    /// - Throws: `SystemError` if the other end has gone, or does not read.
    package static func send(
        _ record: UnsafeRawBufferPointer, files: [Int32] = [], over socket: Int32
    ) throws(SystemError) {
        precondition(files.count <= mostFiles)
        var sent = linux_send(socket, record.baseAddress, record.count, files, files.count)
        while sent < 0 && errno == EINTR {
            sent = linux_send(socket, record.baseAddress, record.count, files, files.count)
        }
        guard sent == record.count else {
            throw sent < 0 ? .last("send to the other process") : SystemError("send to the other process", code: EAGAIN)
        }
    }

    /// Receives what has come, up to the size of `buffer`.
    package static func receive(into buffer: UnsafeMutableRawBufferPointer, from socket: Int32) -> Reception {
        var numbers: [Int32] = Array(repeating: -1, count: mostFiles)
        var fileCount = 0
        while true {
            let count = linux_receive(socket, buffer.baseAddress, buffer.count, &numbers, &fileCount)
            if count > 0 { return .received(count: count, files: ReceivedFiles(Array(numbers.prefix(fileCount)))) }
            if count == 0 || (errno != EAGAIN && errno != EINTR) { return .ended }
            if errno == EAGAIN { return .nothing }
        }
    }

    /// Waits until something has come, the other end has gone or the deadline has passed.
    package static func wait(for socket: Int32, until deadline: Deadline) {
        var item = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        poll(&item, 1, deadline.remainingMilliseconds(at: MonotonicClock.now))
    }
}

/// Open files that came over a socket; those that nobody takes are closed.
package final class ReceivedFiles {
    private var numbers: [Int32]

    fileprivate init(_ numbers: [Int32]) {
        self.numbers = numbers
    }

    deinit {
        for number in numbers where number >= 0 { close(number) }
    }

    package var count: Int { numbers.count }

    /// The file at this place; nil if there is none, or if it has been taken.
    package func take(_ index: Int) -> FileDescriptor? {
        guard numbers.indices.contains(index), numbers[index] >= 0 else { return nil }
        defer { numbers[index] = -1 }
        return FileDescriptor(owning: numbers[index])
    }
}

import CLinux
import Glibc
package import LockstepTimeline

/// Sends and receives records and open files over a connected unix socket. ``send(_:files:over:)`` and
/// ``receive(into:from:)`` never wait, and they accept any bytes from the other end.
package enum LocalSocket {
    /// The most open files that one record carries.
    package static let maximumFiles = Int(linux_maximum_descriptors)

    /// The result of receiving.
    package enum Reception {
        /// No data has arrived.
        case nothing
        /// The other end is closed.
        case ended
        /// The number of bytes, and the open files that came with them.
        case received(count: Int, files: ReceivedFiles)
    }

    /// Sends a record. It is so small that the kernel accepts all of it or nothing.
    ///
    /// - Parameters:
    ///   - record: A few bytes.
    ///   - files: At most ``maximumFiles`` open files. They stay open in this process.
    ///   - socket: A connected unix socket.
    /// - Throws: `SystemError` if the other end is closed, or does not read what was sent before.
    package static func send(
        _ record: UnsafeRawBufferPointer, files: [Int32] = [], over socket: Int32
    ) throws(SystemError) {
        precondition(files.count <= maximumFiles)
        let sent = retryingInterrupts {
            linux_send(socket, record.baseAddress, record.count, files, files.count)
        }
        guard sent == record.count else {
            throw sent < 0 ? .last("send to the other process") : SystemError("send to the other process", code: EAGAIN)
        }
    }

    /// Receives the bytes that have arrived, at most as many as `buffer` has. Allocates nothing unless files come with them.
    package static func receive(into buffer: UnsafeMutableRawBufferPointer, from socket: Int32) -> Reception {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: maximumFiles) { numbers in
            var fileCount = 0
            let count = retryingInterrupts {
                linux_receive(socket, buffer.baseAddress, buffer.count, numbers.baseAddress, &fileCount)
            }
            if count < 0 && errno == EAGAIN { return .nothing }
            guard count > 0 else { return .ended }
            let files = fileCount == 0 ? ReceivedFiles.none : ReceivedFiles(Array(numbers.prefix(fileCount)))
            return .received(count: count, files: files)
        }
    }

    /// Waits until data has arrived, the other end is closed or the deadline has passed.
    package static func wait(for socket: Int32, until deadline: Deadline) {
        var item = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        poll(&item, 1, deadline.remainingMilliseconds(at: Instant.now))
    }
}

/// Open files that came over a socket. The deinitializer closes the ones that were not removed.
package final class ReceivedFiles {
    /// No files. There is nothing to remove, so threads may share it.
    fileprivate nonisolated(unsafe) static let none = ReceivedFiles([])

    private var numbers: [Int32]

    fileprivate init(_ numbers: [Int32]) {
        self.numbers = numbers
    }

    deinit {
        for number in numbers where number >= 0 { close(number) }
    }

    package var count: Int { numbers.count }

    /// Removes the file at this place for the caller to own; nil if there is none, or if it has been removed.
    package func removeFile(at index: Int) -> FileDescriptor? {
        guard numbers.indices.contains(index), numbers[index] >= 0 else { return nil }
        defer { numbers[index] = -1 }
        return FileDescriptor(owning: numbers[index])
    }
}

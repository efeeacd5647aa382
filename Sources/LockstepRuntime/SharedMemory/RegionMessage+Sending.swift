import LockstepProtocol
import LockstepSystem

extension RegionMessage {
    /// Sends this message. Does not wait.
    ///
    /// - Parameters:
    ///   - socket: The unix socket that passes shared memory.
    ///   - files: Open files that the other process gets, too.
    /// - Throws: `SystemError` if the other end is closed, or does not read what was sent before.
    func send(over socket: Int32, files: [Int32] = []) throws(SystemError) {
        try withUnsafeTemporaryAllocation(byteCount: Self.size, alignment: 8) { bytes throws(SystemError) in
            encode(into: bytes)
            try LocalSocket.send(UnsafeRawBufferPointer(bytes), files: files, over: socket)
        }
    }

    /// Wakes the process at the other end, which sleeps while there is a record in its mailbox.
    ///
    /// The kernel wakes the thread that waits for the socket. A message of libzmq would pass through two more threads, and each of
    /// them would have to be woken first.
    static func wake(run: UInt32, member: UInt32, over socket: Int32) {
        // A full socket has messages that the other process has not read, so it does not sleep. If that process has ended, its
        // socket says so.
        try? RegionMessage(.wake, run: run, member: member).send(over: socket)
    }
}

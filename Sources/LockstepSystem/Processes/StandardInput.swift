import Glibc
package import LockstepTimeline

/// The standard input of a process whose parent says something on it and then holds it open: its end is the parent's end.
package enum StandardInput {
    /// Reads a line, byte by byte, so that nothing after it is lost.
    ///
    /// - Parameters:
    ///   - maximum: The most bytes of the line.
    ///   - deadline: When to stop waiting.
    ///   - file: The descriptor to read.
    /// - Returns: The line without its end; nil if the input ends before it, it does not come in time, or it is longer.
    package static func readLine(
        maximum: Int, until deadline: Deadline, from file: Int32 = STDIN_FILENO
    ) -> [UInt8]? {
        var line: [UInt8] = []
        while line.count <= maximum {
            var item = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            guard retryingInterrupts({ poll(&item, 1, deadline.remainingMilliseconds(at: .now)) }) > 0 else {
                return nil
            }
            var byte: UInt8 = 0
            guard retryingInterrupts({ read(file, &byte, 1) }) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return line.last == UInt8(ascii: "\r") ? line.dropLast() : line }
            line.append(byte)
        }
        return nil
    }

    /// Ends this process with a failure status as soon as its standard input ends, whatever its other threads are doing.
    ///
    /// - Parameter cleanup: Called before that.
    /// - Throws: `SystemError` if no thread can be started.
    package static func exitProcessAtEnd(_ cleanup: @escaping @Sendable () -> Void) throws(SystemError) {
        if let socket = ParentChildSocket.standardInput { return try socket.exitProcessAtEnd() }
        _ = try Thread(name: "standard-input") {
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = retryingInterrupts { read(STDIN_FILENO, &buffer, buffer.count) }
                if count < 0, errno == EAGAIN {
                    var item = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
                    poll(&item, 1, -1)
                    continue
                }
                guard count > 0 else { break }
            }
            cleanup()
            _exit(EXIT_FAILURE)
        }
    }
}

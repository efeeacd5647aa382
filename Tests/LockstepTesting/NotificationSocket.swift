import Glibc
import LockstepSystem

/// A datagram socket as a service manager has it, which receives what a service reports.
package final class NotificationSocket {
    /// What `NOTIFY_SOCKET` says.
    package let name: String
    private let number: Int32

    /// - Parameter name: The path of the socket, or `@` and an abstract name.
    /// - Throws: `SystemError` if the name cannot be bound.
    package init(_ name: String) throws {
        self.name = name
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        guard result == 0 else { throw SystemError("bind", code: errno, path: name) }
    }

    deinit {
        close(number)
    }

    /// The next notification; nil if none arrives within the time.
    package func receive(waitingMilliseconds timeout: Int32 = 0) -> String? {
        var item = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        guard poll(&item, 1, timeout) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(number, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    /// All notifications that have arrived.
    package func receiveAll() -> [String] {
        var texts: [String] = []
        while let text = receive() { texts.append(text) }
        return texts
    }
}

import Glibc
import LockstepSystem
import LockstepTimeline

/// One connection: it asks once, is answered once, and is closed. What it may cost is bounded in bytes and time.
final class HTTPConnection {
    private let socket: FileDescriptor
    private var received: [UInt8] = []
    private var answer: [UInt8] = []
    private var sent = 0
    /// When the connection is closed, however far it has come.
    let deadline: Instant
    private(set) var isOver = false

    /// Seconds for request and answer together.
    private static let lifetime = 5.0

    init(_ socket: consuming FileDescriptor, now: Instant) {
        self.socket = socket
        deadline = now.advanced(bySeconds: Self.lifetime)
    }

    var descriptor: Int32 { socket.number }

    /// What poll(2) should wait for.
    var events: Int16 { Int16(answer.isEmpty ? POLLIN : POLLOUT) }

    /// Goes on as far as it can without waiting.
    ///
    /// - Parameter respond: Returns the whole answer to a request.
    func advance(_ respond: (Result<HTTPRequest, HTTPRequest.Refusal>) -> [UInt8]) {
        if answer.isEmpty { receive(respond) }
        if !answer.isEmpty { send() }
    }

    private func receive(_ respond: (Result<HTTPRequest, HTTPRequest.Refusal>) -> [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        let count = retryingInterrupts { recv(socket.number, &buffer, buffer.count, Int32(MSG_DONTWAIT)) }
        guard count > 0 else {
            isOver = count == 0 || errno != EAGAIN
            return
        }
        received += buffer.prefix(count)
        do throws(HTTPRequest.Refusal) {
            guard let request = try HTTPRequest.decode(received) else { return }
            answer = respond(.success(request))
        } catch {
            answer = respond(.failure(error))
        }
        received = []
    }

    private func send() {
        let count = answer.withUnsafeBytes { bytes in
            retryingInterrupts {
                Glibc.send(
                    socket.number, bytes.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
        }
        guard count >= 0 else {
            isOver = errno != EAGAIN
            return
        }
        sent += count
        guard sent == answer.count else { return }
        // The rest of a request that was refused would make the kernel reset the connection before the answer is read.
        shutdown(socket.number, Int32(SHUT_WR))
        isOver = true
    }
}

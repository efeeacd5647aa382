import Glibc
import LockstepSystem
import LockstepTimeline

/// Answers browsers on a thread of its own, one request a connection.
///
/// No HTTP library is used: the ones at hand bound neither connections, nor the size of a request, nor the time that one may
/// take, and share this process's descriptors with the training. Here a client that floods, never reads or never finishes
/// costs at most ``maximumConnections`` descriptors, and a request for each ``pause``; what is beyond waits in the kernel.
final class HTTPServer: Sendable {
    /// An answer without its status line and headers.
    struct Content: Sendable {
        var type: String
        var body: [UInt8]
    }

    static let maximumConnections = 16
    /// Seconds between two connections that are accepted.
    private static let pause = 0.01

    private let wakeUp: EventDescriptor
    private let isStopping = Locked(false)
    let address: DashboardAddress

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - content: Returns what is at a path; nil: nothing. Called on the server's thread.
    /// - Throws: `SystemError` if the address cannot be bound, or no thread can be started.
    init(_ address: DashboardAddress, content: @escaping @Sendable (String) -> Content?) throws(SystemError) {
        let listener = try HTTPListener(address)
        self.address = listener.address
        wakeUp = try EventDescriptor()
        let loop = Loop(listener: listener, content: content)
        // Batch-scheduled: when it wakes, it does not preempt a thread that trains.
        try Thread.withBatchScheduling { () throws(SystemError) in
            _ = try Thread(name: "dashboard") { [self] in loop.run(wakeUp: wakeUp.number) { isStopping.withLock { $0 } }
            }
        }
    }

    /// Ends the thread, which closes all connections.
    func stop() {
        isStopping.withLock { $0 = true }
        wakeUp.signal()
    }

    /// The thread's own state.
    private final class Loop: @unchecked Sendable {
        private let listener: HTTPListener
        private let content: @Sendable (String) -> Content?
        private var connections: [HTTPConnection] = []
        private var nextAcceptance = Instant(nanoseconds: 0)

        init(listener: consuming HTTPListener, content: @escaping @Sendable (String) -> Content?) {
            self.listener = listener
            self.content = content
        }

        func run(wakeUp: Int32, shouldStop: () -> Bool) {
            while !shouldStop() {
                wait(wakeUp)
                let now = Instant.now
                for connection in connections { connection.advance(respond) }
                connections.removeAll { $0.isOver || $0.deadline <= now }
                accept(now)
            }
        }

        private var mayAccept: Bool { connections.count < HTTPServer.maximumConnections }

        private func wait(_ wakeUp: Int32) {
            let now = Instant.now
            var items = connections.map { pollfd(fd: $0.descriptor, events: $0.events, revents: 0) }
            items.append(pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0))
            var due = connections.map(\.deadline).min()
            if mayAccept {
                if nextAcceptance <= now {
                    items.append(pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0))
                } else {
                    due = Instant.earlier(due, nextAcceptance)
                }
            }
            let milliseconds = due.map { due in
                due <= now ? 0 : Int32(clamping: (due.nanoseconds - now.nanoseconds) / 1_000_000 + 1)
            }
            poll(&items, nfds_t(items.count), milliseconds ?? -1)
        }

        private func accept(_ now: Instant) {
            guard mayAccept, nextAcceptance <= now, let socket = listener.accept() else { return }
            connections.append(HTTPConnection(socket, now: now))
            nextAcceptance = now.advanced(bySeconds: HTTPServer.pause)
        }

        private func respond(_ request: Result<HTTPRequest, HTTPRequest.Refusal>) -> [UInt8] {
            switch request {
            case .failure(let refusal):
                return HTTPAnswer.bytes(refusing: refusal)
            case .success(let request):
                guard HTTPAnswer.mayAnswer(request.host, at: listener.address) else {
                    return HTTPAnswer.bytes(refusing: .wrongHost)
                }
                guard let content = content(request.path) else { return HTTPAnswer.bytes(refusing: .notFound) }
                return HTTPAnswer.bytes(content, withBody: request.method == .get)
            }
        }
    }
}

/// Answers as bytes.
enum HTTPAnswer {
    /// Whether a request that names this host is answered.
    ///
    /// A page of another site, whose owner lets its name point to this address, must not read the run (DNS rebinding). So at
    /// loopback the name must be the address itself or `localhost`. A page that is served to other hosts has many names.
    static func mayAnswer(_ host: String?, at address: DashboardAddress) -> Bool {
        guard address.isLoopback else { return host != nil }
        return host.map { ["localhost", "127.0.0.1", "[::1]", address.host].contains($0) } ?? false
    }

    static func bytes(_ content: HTTPServer.Content, withBody: Bool) -> [UInt8] {
        head("200 OK", content.type, content.body.count) + (withBody ? content.body : [])
    }

    static func bytes(refusing refusal: HTTPRequest.Refusal) -> [UInt8] {
        let body = Array("\(refusal.phrase)\n".utf8)
        let more = refusal == .unknownMethod ? "Allow: GET, HEAD\r\n" : ""
        return head("\(refusal.rawValue) \(refusal.phrase)", "text/plain", body.count, more) + body
    }

    private static func head(_ status: String, _ type: String, _ length: Int, _ more: String = "") -> [UInt8] {
        Array(
            """
            HTTP/1.1 \(status)\r
            Content-Type: \(type); charset=utf-8\r
            Content-Length: \(length)\r
            Cache-Control: no-store\r
            Content-Security-Policy: default-src 'none'; img-src data:; style-src 'unsafe-inline'\r
            X-Content-Type-Options: nosniff\r
            X-Frame-Options: DENY\r
            Referrer-Policy: no-referrer\r
            \(more)Connection: close\r
            \r\n
            """.utf8)
    }
}

import LockstepSystem

/// Authenticates the clients of a context's encrypted endpoints, on its own thread: it accepts a connection if the
/// client's public key is in the list.
///
/// A context has room for one handler: libzmq sends its requests to the socket that is bound to
/// `inproc://zeromq.zap.01`. Make it before the first encrypted endpoint is bound. Messages that are not requests of
/// libzmq get no reply, and libzmq refuses a connection without a reply.
package final class ZAPHandler: Sendable {
    private static let name = "zeromq.zap.01"
    /// The most addresses of refused connections that are kept between two calls of ``drainRefusedAddresses()``.
    private static let maximumRemembered = 16

    private struct Refusals: Sendable {
        var addresses: [String] = []
    }

    private let allowed: AllowedKeys
    private let refusals = Locked(Refusals())
    /// Signalled to end the thread.
    private let wake: EventDescriptor
    /// Nil after the handler has been stopped.
    private let thread = Locked<Thread?>(nil)

    /// Starts the handler.
    ///
    /// - Parameters:
    ///   - context: The context of the endpoints.
    ///   - allowed: The public keys of the clients that may connect. If it is empty, no client may.
    /// - Throws: `ZeroMQError` if the context has a handler already; `SystemError` if no thread can be started.
    package init(context: Context, allowing allowed: AllowedKeys) throws {
        self.allowed = allowed
        self.wake = try EventDescriptor()
        let socket = try context.socket(.router)
        try socket.bind(inproc: Self.name)
        let box = SocketBox(socket)
        var started: Thread? = try Thread(name: "zap") { [self] in
            if let socket = box.removeSocket() { serve(socket, context: context) }
        }
        thread.withLock { $0 = started.take() }
    }

    /// Ends the thread and closes its socket. Later connections are refused.
    ///
    /// Call it before terminating the context, which fails while a socket is open; the last messages of the other
    /// sockets would then be lost.
    package func stop() {
        wake.signal()
        thread.withLock { $0.take() }?.join()
    }

    /// The addresses of the clients that have been refused since the last call: the first few, without duplicates.
    package func drainRefusedAddresses() -> [String] {
        refusals.withLock { refusals in
            defer { refusals.addresses.removeAll() }
            return refusals.addresses
        }
    }

    private func serve(_ socket: consuming Socket, context: Context) {
        var poller = Poller(context: context)
        _ = poller.add(socket)
        let stop = poller.add(descriptor: wake.number)
        // An error means that the context has ended. libzmq refuses connections without a handler.
        while (try? poller.wait(timeoutMilliseconds: -1)) != nil, poller.events(for: stop).isEmpty {
            guard (try? answerAll(socket)) != nil else { return }
        }
    }

    private func answerAll(_ socket: borrowing Socket) throws(ZeroMQError) {
        var message = Message()
        while try socket.receive(into: &message, wait: false) == .received {
            let sender = message.array
            var frames: [[UInt8]] = []
            while message.more, try socket.receive(into: &message, wait: false) == .received {
                // A message with more frames than any request is invalid: the rest is not kept.
                if frames.count <= ZAPRequest.maximumFrames + 1 { frames.append(message.array) }
            }
            guard frames.first?.isEmpty == true, let request = ZAPRequest(frames: Array(frames.dropFirst())) else {
                continue
            }
            try send([sender, []] + request.reply(isAuthorized: authorize(request)), to: socket)
        }
    }

    /// Whether the client's key is in the list. Records the address of a client that is refused.
    private func authorize(_ request: ZAPRequest) -> Bool {
        if let key = request.clientKey, allowed.contains(key) { return true }
        refusals.withLock { refusals in
            guard refusals.addresses.count < Self.maximumRemembered, !refusals.addresses.contains(request.address)
            else { return }
            refusals.addresses.append(request.address)
        }
        return false
    }

    private func send(_ frames: [[UInt8]], to socket: borrowing Socket) throws(ZeroMQError) {
        for (index, frame) in frames.enumerated() {
            var message = try Message(copying: frame)
            _ = try socket.send(&message, more: index < frames.count - 1, wait: false)
        }
    }
}

/// The public keys of the clients that may connect. They may change while a coordinator listens: a key that is removed
/// opens no further connection.
package final class AllowedKeys: Sendable {
    private let keys: Locked<Set<CurvePublicKey>>

    package init(_ keys: Set<CurvePublicKey> = []) {
        self.keys = Locked(keys)
    }

    package var isEmpty: Bool { keys.withLock { $0.isEmpty } }

    package func contains(_ key: CurvePublicKey) -> Bool { keys.withLock { $0.contains(key) } }

    package func insert(_ key: CurvePublicKey) { keys.withLock { _ = $0.insert(key) } }

    package func remove(_ key: CurvePublicKey) { keys.withLock { _ = $0.remove(key) } }
}

/// Moves a socket to another thread.
private final class SocketBox: @unchecked Sendable {
    private var socket: Socket?

    init(_ socket: consuming Socket) { self.socket = consume socket }

    func removeSocket() -> Socket? { socket.take() }
}

import LockstepSystem
import CLinux
import Glibc

/// Decides, on a thread of its own, who may connect to the protected endpoints of a context: those whose public key
/// stands on the list.
///
/// It has to be there before the first such endpoint is bound, and a context has room for one: libzmq asks whoever is
/// bound to `inproc://zeromq.zap.01`. What is no request of libzmq's is not answered, and an unanswered connection does
/// not get in.
package final class ZAPHandler: Sendable {
    private static let name = "zeromq.zap.01"
    /// Addresses of refused connections that are kept until somebody asks.
    private static let maximumRemembered = 16

    private struct Refusals: Sendable {
        var addresses: [String] = []
    }

    private let allowed: Set<CurvePublicKey>
    private let refusals = Locked(Refusals())
    /// Written to when the thread is to end.
    private let wake: FileDescriptor
    /// Nil once it has been stopped.
    private let thread = Locked<Thread?>(nil)

    /// Starts the handler.
    ///
    /// - Parameters:
    ///   - context: Whose endpoints it guards.
    ///   - allowed: The keys that get in. If it is empty nobody does.
    /// - Throws: `ZeroMQError` if there is a handler already, `SystemError` if there is no thread to be had.
    package init(context: Context, allowing allowed: Set<CurvePublicKey>) throws {
        self.allowed = allowed
        self.wake = FileDescriptor(owning: linux_eventfd(O_CLOEXEC))
        guard wake.number >= 0 else { throw SystemError("make an event descriptor", code: errno) }
        let socket = try context.socket(.router)
        try socket.bind(inproc: Self.name)
        let box = SocketBox(socket)
        var started: Thread? = try Thread(name: "zap") { [self] in
            if let socket = box.take() { serve(socket, context: context) }
        }
        thread.withLock { $0 = started.take() }
    }

    /// Ends the thread and closes its socket. Connections that come later do not get in.
    ///
    /// Once this returns the context can be terminated, which would refuse while the socket is open: then the last
    /// messages of other sockets would be lost.
    package func stop() {
        var one: UInt64 = 1
        _ = Glibc.write(wake.number, &one, MemoryLayout<UInt64>.size)
        thread.withLock { $0.take() }?.join()
    }

    /// Where the connections came from that have been refused since the last call: the first few of them.
    package func takeRefusedAddresses() -> [String] {
        refusals.withLock { refusals in
            defer { refusals.addresses.removeAll() }
            return refusals.addresses
        }
    }

    private func serve(_ socket: consuming Socket, context: Context) {
        var poller = Poller(context: context)
        _ = poller.add(socket)
        let stop = poller.add(descriptor: wake.number)
        // An error is the context's end; without a handler nobody gets in.
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
                // One more than a request has is enough to tell that it is none.
                if frames.count <= ZAPRequest.maximumFrames + 1 { frames.append(message.array) }
            }
            guard frames.first?.isEmpty == true, let request = ZAPRequest(frames: Array(frames.dropFirst())) else {
                continue
            }
            try send([sender, []] + request.reply(admitted: admits(request)), to: socket)
        }
    }

    private func admits(_ request: ZAPRequest) -> Bool {
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

/// Hands a socket to the thread that is to have it.
private final class SocketBox: @unchecked Sendable {
    private var socket: Socket?

    init(_ socket: consuming Socket) { self.socket = consume socket }

    func take() -> Socket? { socket.take() }
}

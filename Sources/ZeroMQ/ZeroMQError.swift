import CZeroMQ
import Glibc
import LockstepSystem
import LockstepText

/// A call of libzmq that failed, or an argument that was rejected before the call.
package struct ZeroMQError: Error, Equatable, Sendable {
    /// The operation, in words that follow "cannot".
    package enum Operation: String, Sendable {
        case makeContext = "make a ZeroMQ context"
        case terminateContext = "end the ZeroMQ context"
        case makeSocket = "make a socket"
        case setOption = "set socket option"
        case getOption = "read socket option"
        case bind = "bind"
        case unbind = "unbind"
        case connect = "connect to"
        case disconnect = "disconnect from"
        case parseEndpoint = "use endpoint"
        case makeMessage = "make a message"
        case send = "send a message"
        case receive = "receive a message"
        case poll = "wait for messages"
        case monitor = "monitor a socket"
        case makeKeys = "make CURVE keys"
    }

    /// The error number: of errno, or one of libzmq's own.
    package let code: Int32
    package let operation: Operation
    /// The endpoint or option.
    package let subject: String?
    /// The reason, if the text of the error number does not say it.
    package let explanation: String?

    package init(_ operation: Operation, code: Int32, subject: String? = nil, explanation: String? = nil) {
        self.operation = operation
        self.code = code
        self.subject = subject
        self.explanation = explanation
    }

    /// The error of the last libzmq call on this thread.
    static func last(_ operation: Operation, subject: String? = nil) -> ZeroMQError {
        ZeroMQError(operation, code: zmq_errno(), subject: subject)
    }
}

extension ZeroMQError {
    /// A router cannot send to a peer that is not connected.
    package var isHostUnreachable: Bool { code == EHOSTUNREACH }
    /// Another socket is bound to the endpoint.
    package var isAddressInUse: Bool { code == EADDRINUSE }
    /// The context was shut down: the thread of the socket should close it and end.
    package var isContextTerminated: Bool { code == czmq_context_terminated }
    /// A signal arrived, and the context's interruption check said to stop.
    package var isInterrupted: Bool { code == EINTR }
}

extension ZeroMQError: CustomStringConvertible {
    /// One line: the operation and its subject, the reason, and the usual remedy if there is one.
    package var description: String {
        var line = "cannot \(operation.rawValue)"
        if let subject { line += " \(subject.printable)" }
        line += ": \(explanation ?? String(cString: zmq_strerror(code)))"
        if explanation == nil, let remedy { line += "; \(remedy)" }
        return line
    }

    private var remedy: String? {
        switch (operation, code) {
        case (.bind, EADDRINUSE): "end the program that uses it, or choose another port (0 takes any free one)"
        case (.bind, EACCES): "choose a port above 1023, or a folder that you may write to"
        case (.bind, ENODEV), (.bind, EADDRNOTAVAIL):
            "no interface of this host has that address: give one of its own, or * for all"
        case (.bind, ENOENT): "the folder does not exist: make it first"
        case (.bind, EINVAL), (.connect, EINVAL):
            "write it as ipc:///folder/name or tcp://host:port (an IPv6 address in brackets)"
        case (_, ENAMETOOLONG): "the path of an ipc endpoint has at most \(Endpoint.longestPath) bytes"
        case (_, EPROTONOSUPPORT): "use an endpoint that starts with ipc:// or tcp://"
        case (.unbind, ENOENT), (.disconnect, ENOENT): "the socket was not attached to it"
        case (.send, EHOSTUNREACH): "the peer has gone"
        case (.makeKeys, ENOTSUP): "this libzmq was built without CURVE: install Debian's libzmq5"
        case (_, EMFILE): "raise the limit of open files (ulimit -n), or use fewer sockets"
        case (_, czmq_context_terminated): "the program is shutting down"
        default: nil
        }
    }
}

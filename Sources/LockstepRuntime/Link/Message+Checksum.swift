import LockstepProtocol
import ZeroMQ

extension Message {
    /// Checks that this header and its payload are as they were sent.
    ///
    /// - Throws: `ProtocolError.damaged`.
    func verify(_ payload: borrowing Message) throws(ProtocolError) {
        try withUnsafeBytes { header throws(ProtocolError) in
            try payload.withUnsafeBytes { bytes throws(ProtocolError) in try Header.verify(header, payload: bytes) }
        }
    }

    /// Checks that this header, which has no payload, is as it was sent.
    ///
    /// - Throws: `ProtocolError.damaged`.
    func verify() throws(ProtocolError) {
        try withUnsafeBytes { header throws(ProtocolError) in try Header.verify(header, payload: nil) }
    }
}

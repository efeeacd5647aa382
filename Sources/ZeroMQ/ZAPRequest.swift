/// A request that libzmq sends to the ZAP handler when a client connects: whether to accept it (ZeroMQ's RFC 27).
///
/// Decoding is total: any frames give either a request or nil.
package struct ZAPRequest: Equatable, Sendable {
    /// The most frames of a request, and the most bytes of each: the RFC's longest fields have 255.
    package static let maximumFrames = 16
    package static let maximumFrameSize = 255
    /// How an IPv6 socket writes the IPv4 addresses of its peers, such as `::ffff:192.0.2.1` (RFC 4291, 2.5.5.2).
    private static let mappedPrefix = "::ffff:"
    /// The only version of the protocol.
    static let version = Array("1.0".utf8)

    /// The request's number; the reply repeats it.
    package let id: [UInt8]
    package let domain: String
    /// The client's IP address; of a client that reaches an IPv6 socket over IPv4 its IPv4 address. May be empty.
    package let address: String
    package let mechanism: String
    /// What the client has proved, by the rules of the mechanism: with CURVE, that it owns this public key.
    package let credentials: [[UInt8]]

    /// Decodes the frames after the empty delimiter frame.
    package init?(frames: [[UInt8]]) {
        guard (6...Self.maximumFrames).contains(frames.count), frames[0] == Self.version,
            frames.allSatisfy({ $0.count <= Self.maximumFrameSize }),
            let domain = String(validating: frames[2], as: UTF8.self),
            let address = String(validating: frames[3], as: UTF8.self),
            let mechanism = String(validating: frames[5], as: UTF8.self)
        else { return nil }
        self.id = frames[1]
        self.domain = domain
        self.address =
            address.hasPrefix(Self.mappedPrefix) ? String(address.dropFirst(Self.mappedPrefix.count)) : address
        self.mechanism = mechanism
        self.credentials = Array(frames[6...])
    }

    /// The public key that the client of an encrypted endpoint has proved to own. Nil for another mechanism or domain.
    package var clientKey: CurvePublicKey? {
        guard mechanism == "CURVE", domain == ConnectionSecurity.domain, credentials.count == 1 else { return nil }
        return CurvePublicKey(bytes: credentials[0])
    }

    /// The frames of the reply after the empty delimiter frame: version, number, status code, status text, user and
    /// metadata.
    func reply(isAuthorized: Bool) -> [[UInt8]] {
        let (code, text) = isAuthorized ? ("200", "OK") : ("400", "unknown key")
        return [Self.version, id, Array(code.utf8), Array(text.utf8), [], []]
    }
}

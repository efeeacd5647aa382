/// What libzmq asks a ZAP handler about a connection that wants in (ZeroMQ's RFC 27).
///
/// Total: any frames give either a request or nothing.
package struct ZAPRequest: Equatable, Sendable {
    /// The most frames of a request, and the most bytes of each: the RFC's longest fields have 255.
    package static let maximumFrames = 16
    package static let maximumFrameSize = 255
    /// The only version there is.
    static let version = Array("1.0".utf8)

    /// Which question this is; the answer repeats it.
    package let id: [UInt8]
    package let domain: String
    /// Where the connection comes from: an IP address, checked by nobody but the network. May be empty.
    package let address: String
    package let mechanism: String
    /// What the mechanism proves who somebody is with: for CURVE the client's public key.
    package let credentials: [[UInt8]]

    /// Reads the frames that follow the empty one.
    package init?(frames: [[UInt8]]) {
        guard (6...Self.maximumFrames).contains(frames.count), frames[0] == Self.version,
            frames.allSatisfy({ $0.count <= Self.maximumFrameSize }),
            let domain = String(validating: frames[2], as: UTF8.self),
            let address = String(validating: frames[3], as: UTF8.self),
            let mechanism = String(validating: frames[5], as: UTF8.self)
        else { return nil }
        self.id = frames[1]
        self.domain = domain
        self.address = address
        self.mechanism = mechanism
        self.credentials = Array(frames[6...])
    }

    /// The key that a client of a protected endpoint has proved to have; nil where the request is about anything else.
    package var clientKey: CurvePublicKey? {
        guard mechanism == "CURVE", domain == ConnectionSecurity.domain, credentials.count == 1 else { return nil }
        return CurvePublicKey(bytes: credentials[0])
    }

    /// The frames of an answer, those after the empty one.
    func reply(admitted: Bool) -> [[UInt8]] {
        [
            Self.version, id, Array((admitted ? "200" : "400").utf8), Array((admitted ? "OK" : "unknown key").utf8), [],
            [],
        ]
    }
}

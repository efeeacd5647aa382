import CZeroMQ

/// The libzmq that this process has loaded.
package enum ZeroMQLibrary {
    /// Major, minor and patch number, such as `4.3.4`.
    package static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }

    /// Whether it was built with CURVE, the encryption and authentication of endpoints that leave the host.
    package static var hasCurve: Bool { zmq_has("curve") == 1 }
}

import ArgumentParser
import ZeroMQ

/// `--advertise`.
struct AdvertiseOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The name or address of this host that workers are told to connect to. (default: its addresses)",
            valueName: "host"))
    var advertise: String?

    /// The host, without the brackets of an IPv6 address.
    ///
    /// - Throws: `ZeroMQError` if it is no host.
    func checkedHost() throws -> String? {
        guard let advertise else { return nil }
        let text = advertise.contains(":") && !advertise.hasPrefix("[") ? "[\(advertise)]" : advertise
        guard case .tcp(let host, _) = try Endpoint("tcp://\(text):1"), host != "*" else {
            throw CommandError(.usage, "--advertise \(advertise): give the name or address of this host")
        }
        return host
    }
}

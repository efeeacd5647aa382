import Glibc
import LockstepSystem
import LockstepText
package import ZeroMQ

/// Where a worker looks for its coordinator, as `--connect` says it: endpoints, and files that hold endpoints.
package struct CoordinatorAddresses: Sendable, CustomStringConvertible {
    private enum Item: Hashable, Sendable {
        case endpoint(Endpoint)
        /// A file that a coordinator writes into its run directory (``EndpointFile``).
        case file(String)
    }

    /// The host in `tcp://@ssh:PORT`: the one from which ssh has started this process.
    private static let sshHost = "@ssh"
    private static let filePrefix = "file:"
    /// The most endpoints that are tried.
    static let maximum = 64

    private let items: [Item]
    package let description: String

    /// Reads a list, separated by commas.
    ///
    /// - Parameters:
    ///   - text: `ENDPOINT[,ENDPOINT...]`; an endpoint is also `file:PATH`, or `tcp://@ssh:PORT`.
    ///   - sshConnection: The variable SSH_CONNECTION, which sshd sets: the client's address comes first.
    /// - Throws: `ZeroMQError` that says what is wrong with the text.
    package init(_ text: String, sshConnection: String?) throws(ZeroMQError) {
        var items: [Item] = []
        for part in Self.parts(of: text) {
            if part.hasPrefix(Self.filePrefix) {
                let path = String(part.dropFirst(Self.filePrefix.count))
                guard !path.isEmpty else { throw Self.refused(part, "the path is missing: file:PATH") }
                items.append(.file(path))
            } else {
                items.append(.endpoint(try Self.endpoint(part, sshConnection)))
            }
        }
        guard items.count <= Self.maximum else {
            throw Self.refused("\(items.count) endpoints", "give \(Self.maximum) at most")
        }
        var known: Set<Item> = []
        let different = items.filter { known.insert($0).inserted }
        self.items = different
        description = different.map { item in
            switch item {
            case .endpoint(let endpoint): "\(endpoint)"
            case .file(let path): Self.filePrefix + path
            }
        }.joined(separator: ", ")
    }

    /// The parts between those commas that a scheme follows: a path may contain commas.
    private static func parts(of text: String) -> [String] {
        let schemes = ["tcp://", "ipc://", filePrefix]
        var parts: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if let last = parts.last, !schemes.contains(where: { part.hasPrefix($0) }) {
                parts[parts.count - 1] = "\(last),\(part)"
            } else {
                parts.append(part)
            }
        }
        return parts
    }

    private static func endpoint(_ text: String, _ sshConnection: String?) throws(ZeroMQError) -> Endpoint {
        let prefix = "tcp://\(sshHost):"
        guard text.hasPrefix(prefix) else { return try Endpoint(text) }
        guard let client = sshConnection?.split(separator: " ").first else {
            throw refused(
                text, "\(sshHost) is the host that has started this process over ssh, and SSH_CONNECTION names none")
        }
        let host = client.contains(":") ? "[\(client)]" : String(client)
        return try Endpoint("tcp://\(host):\(text.dropFirst(prefix.count))")
    }

    private static func refused(_ text: String, _ why: String) -> ZeroMQError {
        ZeroMQError(.parseEndpoint, code: EINVAL, subject: text, explanation: why)
    }

    /// The only endpoint, if there is one and it can never change; nil otherwise.
    package var single: Endpoint? {
        guard items.count == 1, case .endpoint(let endpoint) = items[0] else { return nil }
        return endpoint
    }

    /// Whether the endpoints may change while this process runs.
    var hasFiles: Bool { items.contains { if case .file = $0 { true } else { false } } }

    /// The endpoints at present, without duplicates. Reads the files; one that is not there yet, or is not whole, has none.
    package var endpoints: [Endpoint] {
        var found: [Endpoint] = []
        for item in items {
            switch item {
            case .endpoint(let endpoint): found.append(endpoint)
            case .file(let path): found += EndpointFile.endpoints(at: path)
            }
        }
        var known: Set<Endpoint> = []
        return Array(found.filter { known.insert($0).inserted }.prefix(Self.maximum))
    }

    /// Why there are no endpoints: which files are not there yet, or hold none.
    var reasonsOfNoEndpoints: [String] {
        items.compactMap { item in
            guard case .file(let path) = item, EndpointFile.endpoints(at: path).isEmpty else { return nil }
            guard access(path, F_OK) == 0 else { return "there is no file \(path.printable) yet" }
            return access(path, R_OK) == 0
                ? "the file \(path.printable) holds no endpoint" : "the file \(path.printable) is not readable"
        }
    }
}

/// A request for a page: a method, a path and the host that the client has asked, as far as this server needs them.
///
/// Decoding is total: any bytes give a request, "not complete yet", or the status that refuses them.
struct HTTPRequest: Hashable {
    enum Method: Hashable {
        case get, head
    }

    /// Why a request is not answered with a page.
    enum Refusal: Int, Error, Hashable {
        case malformed = 400
        case timeout = 408
        case unknownMethod = 405
        case tooLarge = 431
        case wrongHost = 421
        case notFound = 404

        var phrase: String {
            switch self {
            case .malformed: "Bad Request"
            case .timeout: "Request Timeout"
            case .unknownMethod: "Method Not Allowed"
            case .tooLarge: "Request Header Fields Too Large"
            case .wrongHost: "Misdirected Request"
            case .notFound: "Not Found"
            }
        }
    }

    let method: Method
    /// Without the query.
    let path: String
    /// The value of the header `Host`, without the port, in lower case; nil if there is none.
    let host: String?

    /// Bytes of a request at most.
    static let maximumSize = 8_192

    /// Decodes the head of a request.
    ///
    /// - Parameter bytes: What has been received.
    /// - Returns: The request; nil while its head is not complete.
    /// - Throws: ``Refusal``.
    static func decode(_ bytes: [UInt8]) throws(Refusal) -> HTTPRequest? {
        guard let end = endOfHead(bytes) else {
            guard bytes.count < maximumSize else { throw .tooLarge }
            return nil
        }
        guard let text = String(validating: bytes[..<end], as: UTF8.self),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 })
        else { throw .malformed }
        // CR LF is one character.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\r\n" || $0 == "\n" }
        let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].hasPrefix("/"), words[2].hasPrefix("HTTP/1.") else { throw .malformed }
        let method: Method
        switch words[0] {
        case "GET": method = .get
        case "HEAD": method = .head
        default: throw .unknownMethod
        }
        var hosts: [String] = []
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed }
            if line[..<colon].lowercased() == "host" {
                hosts.append(line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }.lowercased())
            }
        }
        guard hosts.count <= 1 else { throw .malformed }
        let path = words[1].prefix { $0 != "?" && $0 != "#" }
        return HTTPRequest(method: method, path: String(path), host: hosts.first.map(withoutPort))
    }

    /// The place of the empty line that ends the head; nil if it has not arrived.
    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var index = 0
        while let line = bytes[index...].firstIndex(of: 0x0A) {
            let next = line + 1
            if next < bytes.count, bytes[next] == 0x0A { return next }
            if next + 1 < bytes.count, bytes[next] == 0x0D, bytes[next + 1] == 0x0A { return next }
            index = next
        }
        return nil
    }

    /// `127.0.0.1` of `127.0.0.1:8080`, and `[::1]` of `[::1]:8080`.
    private static func withoutPort(_ host: String) -> String {
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") { return String(host[...end]) }
        return String(host.prefix { $0 != ":" })
    }
}

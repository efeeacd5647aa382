import LockstepSystem
import LockstepTimeline
package import ZeroMQ

/// The line on standard input by which a launcher gives a worker its keys: `lockstep worker --keys -`.
///
/// ```
/// lockstep-keys COORDINATOR_PUBLIC WORKER_PUBLIC WORKER_SECRET
/// ```
///
/// The keys are 40 characters of Z85 each, which has no spaces. `lockstep-keys none` stands for a connection without keys,
/// which the launcher carries itself. After the line the launcher holds the worker's standard input open.
package enum WorkerKeyLine {
    /// The most bytes of a line.
    private static let maximumBytes = 255
    private static let word = "lockstep-keys"
    private static let noKeys = "none"

    /// The line for a worker, with its end.
    package static func text(_ security: ConnectionSecurity) -> String {
        guard case .client(let pair, let server) = security else { return "\(word) \(noKeys)\n" }
        return "\(word) \(server.text) \(pair.publicKey.text) \(pair.secretKey.exportText())\n"
    }

    /// Reads a line; nil if it is none.
    package static func security(of line: [UInt8]) throws(ZeroMQError) -> ConnectionSecurity? {
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let words = text.split(separator: " ").map(String.init)
        if words == [word, noKeys] { return ConnectionSecurity.none }
        guard words.count == 4, words[0] == word, let server = CurvePublicKey(text: words[1]),
            let publicKey = CurvePublicKey(text: words[2]), let secretKey = CurveSecretKey(text: words[3]),
            try secretKey.publicKey() == publicKey
        else { return nil }
        return .client(CurveKeyPair(publicKey: publicKey, secretKey: secretKey), server: server)
    }

    /// Reads the line from this process's standard input.
    ///
    /// - Parameter seconds: How long to wait for it.
    /// - Returns: The keys.
    /// - Throws: ``KeyError`` if it does not come or is none.
    package static func read(seconds: Double) throws -> ConnectionSecurity {
        let line = StandardInput.readLine(maximum: maximumBytes, until: .after(.seconds(seconds)))
        guard let line else {
            throw KeyError(path: "standard input", reason: .noLine(seconds: Int(seconds)))
        }
        guard let security = try security(of: line) else {
            throw KeyError(path: "standard input", reason: .notAKeyLine)
        }
        return security
    }
}

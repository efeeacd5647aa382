import CZeroMQ
import Glibc

/// A CURVE public key, which need not be kept secret: 32 bytes, written as 40 characters of Z85 (ZeroMQ's RFC 32).
package struct CurvePublicKey: Hashable, Sendable {
    /// Bytes of a key, and characters of its text.
    package static let size = 32
    package static let textSize = 40

    /// ``size`` bytes.
    package let bytes: [UInt8]

    /// A key of these bytes; nil if their number is not ``size``.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// Decodes Z85; nil if the text is not a key.
    package init?(text: String) {
        guard let bytes = keyBytes(ofText: text) else { return nil }
        self.bytes = bytes
    }

    /// The key as Z85.
    package var text: String { keyText(of: bytes) }
}

/// A CURVE secret key. Its description does not reveal it; only ``exportText()`` does.
package struct CurveSecretKey: Sendable {
    let bytes: [UInt8]

    /// Decodes Z85; nil if the text is not a key.
    package init?(text: String) {
        guard let bytes = keyBytes(ofText: text) else { return nil }
        self.bytes = bytes
    }

    /// The key as Z85, only for the file in which its owner keeps it.
    package func exportText() -> String { keyText(of: bytes) }

    /// The public key that belongs to it.
    package func publicKey() throws(ZeroMQError) -> CurvePublicKey {
        var text = [CChar](repeating: 0, count: CurvePublicKey.textSize + 1)
        guard zmq_curve_public(&text, exportText()) == 0 else { throw .last(.makeKeys) }
        guard let key = CurvePublicKey(text: string(text)) else { throw ZeroMQError(.makeKeys, code: EINVAL) }
        return key
    }
}

extension CurveSecretKey: CustomStringConvertible, CustomReflectable {
    package var description: String { "a secret key" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The identity of a process towards its peers: a public key, and the secret key that proves its ownership.
package struct CurveKeyPair: Sendable {
    package let publicKey: CurvePublicKey
    package let secretKey: CurveSecretKey

    package init(publicKey: CurvePublicKey, secretKey: CurveSecretKey) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new pair. Throws if this libzmq was built without CURVE.
    package static func make() throws(ZeroMQError) -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: CurvePublicKey.textSize + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last(.makeKeys) }
        guard let publicKey = CurvePublicKey(text: string(publicText)),
            let secretKey = CurveSecretKey(text: string(secretText))
        else { throw ZeroMQError(.makeKeys, code: EINVAL) }
        return CurveKeyPair(publicKey: publicKey, secretKey: secretKey)
    }
}

/// Decodes Z85. libzmq rejects characters and values outside Z85, but stops at a zero byte.
private func keyBytes(ofText text: String) -> [UInt8]? {
    guard text.utf8.count == CurvePublicKey.textSize, !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: CurvePublicKey.size)
    return zmq_z85_decode(&bytes, text) == nil ? nil : bytes
}

private func keyText(of bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: CurvePublicKey.textSize + 1)
    zmq_z85_encode(&text, bytes, bytes.count)
    return string(text)
}

private func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

import CZeroMQ
import Glibc

/// A CURVE key that may be told to anybody: 32 bytes, written as 40 characters of Z85 (ZeroMQ's RFC 32).
package struct CurvePublicKey: Hashable, Sendable {
    /// Bytes of a key, and characters of its text.
    package static let size = 32
    package static let textSize = 40

    /// ``size`` bytes.
    package let bytes: [UInt8]

    /// Takes over a key's bytes. Nil where they are not ``size`` many.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads Z85. Nil for any text that is no key.
    package init?(text: String) {
        guard let bytes = keyBytes(ofText: text) else { return nil }
        self.bytes = bytes
    }

    /// The key as Z85.
    package var text: String { keyText(of: bytes) }
}

/// The other half of a key, for its owner alone. Its description hides it; only ``exportText()`` gives it away.
package struct CurveSecretKey: Sendable {
    let bytes: [UInt8]

    /// Reads Z85. Nil for any text that is no key.
    package init?(text: String) {
        guard let bytes = keyBytes(ofText: text) else { return nil }
        self.bytes = bytes
    }

    /// The key as Z85, for the file that its owner keeps and for nothing else.
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

/// Who somebody is towards others: a public key, and the secret one that proves it.
package struct CurveKeyPair: Sendable {
    package let publicKey: CurvePublicKey
    package let secretKey: CurveSecretKey

    package init(publicKey: CurvePublicKey, secretKey: CurveSecretKey) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new pair. Throws where this libzmq was built without CURVE.
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

/// libzmq reads the text up to a zero, and refuses characters and values that Z85 does not have.
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

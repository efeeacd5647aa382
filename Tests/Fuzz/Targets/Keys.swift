import LockstepRuntime
import ZeroMQ

func decodeKeys(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let file = Array(bytes)
    if let list = try? KeyText.allowList(file) {
        precondition(list.allSatisfy { CurvePublicKey(text: $0.text) == $0 }, "a key that does not read back")
    }
    if let secret = try? KeyText.secretKey(file) { _ = try? secret.publicKey() }
    return (try? KeyText.publicKey(file)) != nil
}

/// Frames, each behind a byte with its length.
func decodeZAPRequest(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var frames: [[UInt8]] = []
    var rest = bytes[...]
    while let length = rest.popFirst() {
        frames.append(Array(rest.prefix(Int(length))))
        rest = rest.dropFirst(Int(length))
    }
    guard let request = ZAPRequest(frames: frames) else { return false }
    return request.clientKey != nil
}

func decodeEndpoint(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do throws(ZeroMQError) {
        let endpoint = try Endpoint(String(decoding: bytes, as: UTF8.self))
        let again = try Endpoint(endpoint.description)
        precondition(again == endpoint, "an endpoint that does not read back")
        return endpoint.staysOnHost || !endpoint.isIPC
    } catch {
        precondition(!error.description.contains("\n"), "an error of more than one line")
        return false
    }
}

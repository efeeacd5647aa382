import Glibc
package import LockstepSystem
package import ZeroMQ

/// The file in which a coordinator says where it listens: an endpoint on each line. A worker reads it with
/// `--connect file:PATH`.
package enum EndpointFile {
    /// The most bytes that are read.
    private static let maximumBytes = 16_384

    /// Writes the file, which only this user can read: who may connect without keys is not told to others.
    ///
    /// - Throws: `SystemError` if it cannot be written.
    package static func write(_ endpoints: [Endpoint], to path: String) throws(SystemError) {
        let text = endpoints.map { "\($0)\n" }.joined()
        let bytes = Array(text.utf8)
        // A file that a killed coordinator has left would keep its permissions.
        unlink(path)
        try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try FileReplacement.replace(path, with: [UnsafeRawBufferPointer(bytes)], permissions: 0o600) { $0 }
        }
    }

    /// The endpoints of a file; none if it cannot be read, or one of its lines is no endpoint.
    package static func endpoints(at path: String) -> [Endpoint] {
        guard let file = try? FileDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY) else { return [] }
        var (content, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4_096))
        while content.count < maximumBytes {
            guard let count = try? file.read(into: &buffer) else { return [] }
            if count == 0 { break }
            content += buffer.prefix(count)
        }
        let text = String(decoding: content, as: UTF8.self)
        // A file without its last line end is not whole.
        guard text.hasSuffix("\n") else { return [] }
        let endpoints = text.split(separator: "\n").map { try? Endpoint(String($0)) }
        return endpoints.contains(nil) ? [] : endpoints.compactMap { $0 }
    }
}

import Foundation

/// A folder for one test. The deinitializer removes it. Its path is short enough for unix sockets in it.
package final class TemporaryFolder: Sendable {
    /// Absolute, without a slash at its end.
    package let path: String

    package init() throws {
        var template = Array("/tmp/lockstep-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in it.
    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, making the folders above it; returns its path.
    @discardableResult
    package func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        let file = URL(fileURLWithPath: self(name))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }

    /// Writes a text file; returns its path.
    @discardableResult
    package func write(text: String, to name: String) throws -> String {
        try write(text.utf8, to: name)
    }

    /// The names of what is in it, sorted.
    package func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

/// The bytes of a file.
package func bytes(of path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// A file as text.
package func text(of path: String) throws -> String {
    String(decoding: try bytes(of: path), as: UTF8.self)
}

import Glibc

/// An open safetensors file whose header agrees with its length.
struct SafetensorsFile: ~Copyable {
    private let file: ArtifactFile
    let header: SafetensorsHeader
    /// The offset of the tensors' bytes.
    let dataStart: Int
    /// Bytes of the whole file.
    let size: Int

    var path: String { file.path }

    /// - Parameters:
    ///   - path: The file.
    ///   - what: What the file should be, for errors: `a model that Lockstep can read`.
    ///   - remedy: What to do if the file is something else; nil if the caller's error says it.
    /// - Throws: ``ArtifactError`` if it is not a complete safetensors file.
    init(path: String, what: String, remedy: String? = nil) throws(ArtifactError) {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer.
        let file = try ArtifactFile(path: path, flags: O_RDONLY | O_NONBLOCK)
        let size = try file.regularFileSize()
        let headerLength = try Self.headerLength(of: file, size: size, what: what, remedy: remedy)
        let dataStart = SafetensorsHeader.prefixLength + headerLength
        var json = [UInt8](repeating: 0, count: headerLength)
        try json.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
            try Self.fill(UnsafeMutableRawBufferPointer(target), from: file, at: SafetensorsHeader.prefixLength)
        }
        self.header = try SafetensorsHeader(json: json, dataLength: size - dataStart, path: path)
        self.file = file
        self.dataStart = dataStart
        self.size = size
    }

    /// Reads the first bytes of a tensor, as many as `target` has; reads nothing if there is no such tensor.
    func read(_ name: String, into target: UnsafeMutableRawBufferPointer) throws(ArtifactError) {
        guard let offset = header.tensors[name]?.dataOffsets.first else { return }
        try Self.fill(target, from: file, at: dataStart + offset)
    }

    /// Reads bytes of the file.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArtifactError) {
        try Self.fill(target, from: file, at: offset)
    }

    private static func headerLength(
        of file: borrowing ArtifactFile, size: Int, what: String, remedy: String?
    ) throws(ArtifactError) -> Int {
        func malformed(_ reason: String) -> ArtifactError {
            .malformed(path: file.path, reason: "not \(what): \(reason)", remedy: remedy)
        }
        let prefixLength = SafetensorsHeader.prefixLength
        guard size >= prefixLength else { throw malformed("only \(size) bytes long") }
        var prefix: UInt64 = 0
        try withUnsafeMutableBytes(of: &prefix) { (target) throws(ArtifactError) in
            try fill(target, from: file, at: 0)
        }
        guard let length = Int(exactly: UInt64(littleEndian: prefix)), length <= SafetensorsHeader.maximumLength else {
            throw malformed("not a safetensors file")
        }
        guard prefixLength + length <= size else { throw malformed("truncated in its header") }
        return length
    }

    private static func fill(
        _ target: UnsafeMutableRawBufferPointer, from file: borrowing ArtifactFile, at offset: Int
    ) throws(ArtifactError) {
        guard try file.read(into: target, at: offset) else {
            throw .malformed(path: file.path, reason: "changed while it was read", remedy: "try again")
        }
    }
}

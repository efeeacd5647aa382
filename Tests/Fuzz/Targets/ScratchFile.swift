import Glibc

/// A file without a name, for decoders that want a path.
final class ScratchFile {
    private let descriptor: Int32

    /// Nil if no file can be created.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var template = Array("/tmp/lockstep-fuzz-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        unlink(template)
        guard write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    var path: String { "/proc/self/fd/\(descriptor)" }
}

import Glibc

/// The last lines of a text file, such as a log, from its last 4 KiB; none if the file cannot be read.
package func lastLines(of path: String, count: Int) -> [String] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    let end = lseek(file, 0, SEEK_END)
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let read = pread(file, &buffer, buffer.count, max(0, end - buffer.count))
    guard read > 0 else { return [] }
    let text = String(decoding: buffer.prefix(read), as: UTF8.self)
    return text.split(separator: "\n").suffix(count).map(String.init)
}

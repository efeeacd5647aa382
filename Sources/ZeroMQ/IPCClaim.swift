import Glibc

/// Makes sure that binding `endpoint` takes nothing away, and returns a descriptor that locks its folder (-1 for
/// endpoints that are no file): the caller closes it once the bind is done.
///
/// libzmq deletes whatever file has an ipc endpoint's path and then binds: an endpoint in use is taken away from the
/// program that uses it, and a mistyped path deletes a document. So look first; and hold a lock, for two programs may
/// look at the same moment.
func claim(_ endpoint: Endpoint) throws(ZeroMQError) -> Int32 {
    guard case .ipc(let path) = endpoint else { return -1 }
    let lock = try lockFolder(of: path, endpoint: endpoint)
    do {
        try checkFree(path, endpoint: endpoint)
    } catch {
        close(lock)
        throw error
    }
    return lock
}

private func lockFolder(of path: String, endpoint: Endpoint) throws(ZeroMQError) -> Int32 {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ZeroMQError(.bind, code: errno, subject: endpoint.description) }
    // A bind takes well below a millisecond, so whoever holds the lock for longer holds it for another reason.
    for _ in 0..<100 {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
        usleep(10_000)
    }
    close(descriptor)
    throw ZeroMQError(
        .bind, code: EWOULDBLOCK, subject: endpoint.description, explanation: "another program locks \(folder)")
}

private func checkFree(_ path: String, endpoint: Endpoint) throws(ZeroMQError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
        if errno == ENOENT { return }
        throw ZeroMQError(.bind, code: errno, subject: endpoint.description)
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw ZeroMQError(
            .bind, code: EEXIST, subject: endpoint.description,
            explanation: "\(path) is not a socket: refusing to delete it; choose another path")
    }
    let code = connectionError(path)
    // Left over by a program that died.
    if code == ECONNREFUSED || code == ENOENT { return }
    // Somebody answered, or is too busy to.
    guard code == 0 || code == EAGAIN else {
        throw ZeroMQError(.bind, code: code, subject: endpoint.description)
    }
    throw ZeroMQError(
        .bind, code: EADDRINUSE, subject: endpoint.description,
        explanation: "the endpoint is in use; end the program that uses it, or choose another path")
}

/// What connecting to a unix socket gives: 0, or the error number.
private func connectionError(_ path: String) -> Int32 {
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(AF_UNIX, Int32(kind), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    return result == 0 ? 0 : errno
}

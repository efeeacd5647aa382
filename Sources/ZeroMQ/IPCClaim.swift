import Glibc
import LockstepSystem

/// Checks that binding `endpoint` replaces no file of another program, and locks the endpoint's folder.
///
/// libzmq deletes the file at an ipc endpoint's path before it binds. Without this check a second program would replace
/// the endpoint of a running one, and a mistyped path would delete a document. The lock keeps two programs from
/// checking at the same moment.
///
/// - Returns: The lock, which the caller releases after the bind; nil for an endpoint that is not a file.
func claim(_ endpoint: Endpoint) throws(ZeroMQError) -> FileDescriptor? {
    guard case .ipc(let path) = endpoint else { return nil }
    let lock = try lockFolder(of: path, endpoint: endpoint)
    try checkFree(path, endpoint: endpoint)
    return lock
}

private func lockFolder(of path: String, endpoint: Endpoint) throws(ZeroMQError) -> FileDescriptor {
    let folder = splitPath(path).folder
    let lock: FileDescriptor
    do throws(SystemError) {
        lock = try FileDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY)
    } catch {
        throw ZeroMQError(.bind, code: error.code, subject: endpoint.description)
    }
    // A bind takes well below a millisecond: a program that holds the lock for a second does not bind.
    for _ in 0..<100 {
        if lockFile(lock.number, path: folder) == 0 { return lock }
        usleep(10_000)
    }
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
    // A program that died has left the socket.
    if code == ECONNREFUSED || code == ENOENT { return }
    // EAGAIN: another program listens, and its queue of connections is full.
    guard code == 0 || code == EAGAIN else {
        throw ZeroMQError(.bind, code: code, subject: endpoint.description)
    }
    throw ZeroMQError(
        .bind, code: EADDRINUSE, subject: endpoint.description,
        explanation: "the endpoint is in use; end the program that uses it, or choose another path")
}

/// The error number of connecting to a unix socket, or 0.
private func connectionError(_ path: String) -> Int32 {
    do throws(SystemError) {
        try UnixSocketAddress(path: path).connect(UnixSocketAddress.makeSocket())
        return 0
    } catch {
        return error.code
    }
}

import CLinux
import Glibc
import LockstepText

/// Makes a connected pair of sockets, the parent's end and the child's. Both descriptors are at least 3: the spawned
/// child replaces its descriptors 0 to 2 one after the other and must not replace a socket before it has copied it.
func makeSocketPair() throws(SystemError) -> (parent: Int32, child: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
    guard socketpair(AF_UNIX, Int32(kind), 0, &ends) == 0 else { throw .last("make a pair of sockets") }
    guard ends.contains(where: { $0 < 3 }) else { return (ends[0], ends[1]) }
    let high = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
    let code = errno
    for end in ends { close(end) }
    guard !high.contains(-1) else {
        for end in high where end >= 0 { close(end) }
        throw SystemError("make a pair of sockets", code: code)
    }
    return (high[0], high[1])
}

/// Starts a command in a process group of its own. No signal is blocked, ignored or caught in it, and no file is open
/// except its standard input, output and error.
///
/// - Returns: The process's number.
func spawn(_ command: ChildProcess.Command, socket: Int32) throws(SystemError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }

    // Standard input comes last: the output may be this process's own standard input, which that action replaces.
    switch command.output {
    case .inherited:
        break
    case .file(let output):
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    case .files(let output, let errors):
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
    }
    switch command.input {
    case .parentSocket: posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO)
    case .nothing: posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let folder = command.workingDirectory {
        withPath(folder) { _ = posix_spawn_file_actions_addchdir_np(&actions, $0) }
    }

    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var changes = command.environment
    changes.updateValue(
        command.input == .parentSocket ? ParentChildSocket.identity(ofSocket: socket) : nil,
        forKey: ParentChildSocket.variable)
    var process = pid_t()
    let code = withCStrings([command.executable] + command.arguments) { arguments in
        withCStrings(environment(with: changes)) { environment in
            withPath(command.executable) { posix_spawn(&process, $0, &actions, &attributes, arguments, environment) }
        }
    }
    guard code == 0 else { throw SystemError("start", code: code, path: command.executable) }
    return process
}

/// The environment of this process with some changes, as `NAME=value`. A nil value removes its variable.
private func environment(with changes: [String: String?]) -> [String] {
    var variables: [String] = []
    var next = linux_environment()
    while let entry = next?.pointee {
        let variable = String(path: UnsafePointer(entry))
        let name = variable.prefix { $0 != "=" }
        if changes.index(forKey: String(name)) == nil { variables.append(variable) }
        next = next?.advanced(by: 1)
    }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
        if let value { variables.append("\(name)=\(value)") }
    }
    return variables
}

/// Calls `body` with C copies of `strings`, which may be paths, ended by NULL. The copies are freed when it returns.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { withPath($0) { strdup($0) } }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}

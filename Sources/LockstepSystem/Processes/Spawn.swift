import CLinux
import Glibc

/// A connected pair of sockets: the parent's end and the child's. Both have numbers from 3 on, for the child's 0 to 2
/// are filled one after the other.
func makeLifeline() throws(SystemError) -> (parent: Int32, child: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
    guard socketpair(AF_UNIX, Int32(kind), 0, &ends) == 0 else { throw .last("make a lifeline") }
    guard ends.contains(where: { $0 < 3 }) else { return (ends[0], ends[1]) }
    let high = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 3) }
    let code = errno
    for end in ends { close(end) }
    guard !high.contains(-1) else {
        for end in high where end >= 0 { close(end) }
        throw SystemError("make a lifeline", code: code)
    }
    return (high[0], high[1])
}

/// Starts a command in a process group of its own, with no signal blocked, ignored or caught and no file open but its
/// three standard ones. Returns its number.
func spawn(_ command: ChildProcess.Command, lifeline: Int32) throws(SystemError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }

    // Standard input comes last, for the output may be this process's own standard input.
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
    case .lifeline: posix_spawn_file_actions_adddup2(&actions, lifeline, STDIN_FILENO)
    case .nothing: posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let folder = command.workingDirectory { posix_spawn_file_actions_addchdir_np(&actions, folder) }

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
        command.input == .lifeline ? Lifeline.identity(ofSocket: lifeline) : nil, forKey: Lifeline.variable)
    var process = pid_t()
    let code = withCStrings([command.executable] + command.arguments) { arguments in
        withCStrings(environment(with: changes)) { environment in
            posix_spawn(&process, command.executable, &actions, &attributes, arguments, environment)
        }
    }
    guard code == 0 else { throw SystemError("start", code: code, path: command.executable) }
    return process
}

/// This process's variables, `NAME=value` each, with some replaced, added or, where the value is nil, left out.
private func environment(with changes: [String: String?]) -> [String] {
    var variables: [String] = []
    var next = linux_environment()
    while let entry = next?.pointee {
        let variable = String(cString: entry)
        let name = variable.prefix { $0 != "=" }
        if changes.index(forKey: String(name)) == nil { variables.append(variable) }
        next = next?.advanced(by: 1)
    }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
        if let value { variables.append("\(name)=\(value)") }
    }
    return variables
}

/// Lends C copies of `strings`, ending with NULL.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}

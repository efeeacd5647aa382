import Glibc
package import LockstepCluster
package import LockstepRuntime
import LockstepSystem
import LockstepText
package import LockstepTimeline
import ZeroMQ

/// The workers on other hosts, each host's behind one client on this host: an ssh, or an srun.
///
/// The client's standard input is a socket whose other end this process holds. When this process ends, however it does, the
/// socket ends, so does the standard input of the worker command at the other end of the connection, and so do the workers.
package final class HostWorkers: RemoteWorkers {
    /// What the hosts need to know, and what this process reports about them.
    package struct Settings {
        package var command: any HostCommand
        /// The client's path.
        package var client: String
        package var route: HostRoute
        /// The keys of the coordinator; nil: the connection carries no keys of ours, since it is ssh's own.
        package var keys: CoordinatorKeys?
        package var maximumRestarts: Int
        package var version: String
        package var deadlines: Deadlines
        /// Called with lines about a host, and with lines that a host has printed, on any thread.
        package var say: @Sendable (_ host: String, _ line: String) -> Void

        package init(
            command: any HostCommand, client: String, route: HostRoute, keys: CoordinatorKeys?, maximumRestarts: Int,
            version: String, deadlines: Deadlines = Deadlines(),
            say: @escaping @Sendable (_ host: String, _ line: String) -> Void
        ) {
            self.command = command
            self.client = client
            self.route = route
            self.keys = keys
            self.maximumRestarts = maximumRestarts
            self.version = version
            self.deadlines = deadlines
            self.say = say
        }
    }

    /// A host and its present client.
    private struct Host {
        let entry: HostEntry
        var client: ChildProcess
        var ending: ChildProcess.Exit?
        /// The key of its workers: a new one with each start, so that what an earlier start has left over is shut out.
        var key: CurvePublicKey?
        var starts = 1
        var failure: HostFailure?

        /// Under which the relay hands on what the client prints.
        var source: String { "\(entry.name) \(starts)" }
    }

    /// The last lines that each start of a host has printed.
    private final class LastLines: Sendable {
        private static let count = 20
        private let lines = Locked<[String: [String]]>([:])

        func append(_ line: String, of source: String) {
            lines.withLock { $0[source] = ($0[source] ?? []).suffix(Self.count - 1) + [line] }
        }

        func remove(_ source: String) -> [String] { lines.withLock { $0.removeValue(forKey: source) ?? [] } }
    }

    private let settings: Settings
    private let relay: LineRelay
    private let lastLines: LastLines
    private let clients = Locked<[String: ChildProcess]>([:])
    private var hosts: [Host] = []
    private var restartPolicy: RestartPolicy

    /// Starts the workers of all hosts.
    ///
    /// - Throws: `SystemError` if a client cannot be started.
    package init(_ entries: [HostEntry], _ settings: Settings) throws {
        self.settings = settings
        let lastLines = LastLines()
        self.lastLines = lastLines
        relay = try LineRelay { [say = settings.say] source, line in
            lastLines.append(line, of: source)
            say(String(source.prefix { $0 != " " }), line)
        }
        restartPolicy = RestartPolicy(
            places: entries.count, limit: settings.maximumRestarts, deadlines: settings.deadlines, now: .now)
        for (index, entry) in entries.enumerated() {
            let (client, key) = try start(entry, at: index, number: 1)
            hosts.append(Host(entry: entry, client: client, key: key))
        }
    }

    package var restarts: Int { restartPolicy.count }
    package var nextDue: Instant? { restartPolicy.nextStart }

    package var killAll: @Sendable () -> Void {
        { [clients] in clients.withLock { for client in $0.values { client.send(signal: SIGKILL) } } }
    }

    private func start(_ entry: HostEntry, at index: Int, number: Int) throws -> (ChildProcess, CurvePublicKey?) {
        let (security, key) = try makeKeys()
        let pipe = try relay.makePipe(named: "\(entry.name) \(number)")
        let client = try ChildProcess(
            ChildProcess.Command(
                executable: settings.client,
                arguments: settings.command.arguments(
                    for: entry, over: settings.route.named("\(index)-\(number)"), deadlines: settings.deadlines),
                environment: settings.command.environment.merging(LocalWorkerEnvironment.removedVariables) { $1 },
                output: .file(pipe.number)))
        clients.withLock { $0[entry.name] = client }
        client.send(text: WorkerKeyLine.text(security))
        return (client, key)
    }

    /// Makes the keys of a host's workers, and has the coordinator admit them.
    private func makeKeys() throws -> (ConnectionSecurity, CurvePublicKey?) {
        guard let keys = settings.keys else { return (.none, nil) }
        let pair = try CurveKeyPair.make()
        keys.allowed.insert(pair.publicKey)
        return (.client(pair, server: keys.keys.publicKey), pair.publicKey)
    }

    // MARK: - Watching

    package func check(isGathering: Bool, isNeeded: Bool) throws {
        for index in hosts.indices where hosts[index].ending == nil {
            guard let ending = hosts[index].client.reap() else { continue }
            if case .signalled = ending, settings.command.isOutlived {
                hosts[index].ending = ending
                settings.say(
                    hosts[index].entry.name,
                    "\(settings.command.name) ended with \(ending); the workers go on without it, and are not replaced "
                        + "from now on")
            } else {
                try handle(settings.command.ending(ending), of: index, isGathering: isGathering)
            }
        }
        for index in restartPolicy.startDue(now: .now) { try restart(index) }
        if isNeeded || isGathering, nextDue == nil, hosts.allSatisfy({ $0.ending != nil }) {
            if hosts.contains(where: { $0.ending?.wasToldToStop == true }) { throw RunError.workersToldToStop }
            throw hosts.compactMap(\.failure).last
                ?? HostFailure(
                    host: hosts.map(\.entry.name).joined(separator: ", "), reason: "all workers have left")
        }
    }

    /// Decides what follows from the end of a host's client.
    private func handle(_ ending: ChildProcess.Exit, of index: Int, isGathering: Bool) throws {
        hosts[index].ending = ending
        // The host's workers are gone, or will be as soon as they notice; what is left of them may not come back.
        if let key = hosts[index].key { settings.keys?.allowed.remove(key) }
        let source = hosts[index].source
        relay.waitForEnd(of: source, until: .after(.milliseconds(200)))
        let lines = lastLines.remove(source)
        guard !ending.isSuccess, !ending.wasToldToStop else { return }
        let entry = hosts[index].entry
        let failure = settings.command.failure(of: entry.name, ending, lines: lines, version: settings.version)
        hosts[index].failure = failure
        if isGathering, hosts[index].starts == 1, case .exited = ending { throw failure }
        switch restartPolicy.processEnded(at: index, .died, now: .now) {
        case .restart(let seconds, let count, let limit):
            let of = limit.map { " of at most \($0)" } ?? ""
            settings.say(
                entry.name,
                "\(failure.reason); its workers start again in \(decimal(seconds)) s (replacement \(count)\(of))")
        case .exhausted(let limit):
            settings.say(
                entry.name,
                "\(failure.reason); its workers are not replaced: the run has used its \(limit) replacements "
                    + "(--max-restarts)")
        case .none:
            break
        }
    }

    private func decimal(_ seconds: Double) -> String { "\((10 * seconds).rounded() / 10)" }

    private func restart(_ index: Int) throws {
        hosts[index].starts += 1
        (hosts[index].client, hosts[index].key) = try start(
            hosts[index].entry, at: index, number: hosts[index].starts)
        (hosts[index].ending, hosts[index].failure) = (nil, nil)
    }

    // MARK: - The end

    package func stop(grace: Double) {
        var rest = waitForEnd(of: hosts.filter { $0.ending == nil }.map(\.client), seconds: grace)
        // The end of their standard input ends the workers there, and with them the clients.
        for client in rest { client.closeSocket() }
        rest = waitForEnd(of: rest, seconds: settings.deadlines.linger)
        for client in rest { client.terminate(grace: .zero) }
        clients.withLock { $0.removeAll() }
        relay.finish(until: .after(.seconds(settings.deadlines.linger)))
        hosts.removeAll()
    }

    /// Waits until all of these have ended, up to so many seconds; returns those that have not.
    private func waitForEnd(of clients: [ChildProcess], seconds: Double) -> [ChildProcess] {
        let deadline = Deadline.after(.seconds(seconds))
        return clients.filter { $0.wait(until: deadline) == nil }
    }
}

/// Finds a program.
///
/// - Parameters:
///   - name: The program.
///   - package: Debian's package that has it.
///   - path: The folders to look in, as the variable PATH has them.
/// - Returns: The path of the first one.
/// - Throws: ``HostFailure`` if there is none.
package func hostClient(_ name: String, package: String, path: String) throws(HostFailure) -> String {
    for folder in path.split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
    throw HostFailure(
        host: "this host", reason: "there is no program \(name) on the PATH: install it (apt-get install \(package))")
}

import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `lockstep train --hosts` with an sshd on each of three hosts, which are network namespaces.
@Suite(
    "Over ssh", .serialized, .oneAtATime,
    .enabled(if: SSHSite.isAvailable, "needs root, network namespaces, iproute2 and openssh-server"))
struct SSHTests {
    @Test("Workers on three hosts give the weights of one process, and no process is left", arguments: [false, true])
    func hosts(isTunnelled: Bool) throws {
        let site = try SSHSite()
        let alone = try site.alone()
        let sockets = try tunnelSockets()
        let run = try site.train(hosts: "one,two:2,three", isTunnelled ? ["--tunnel"] : [])
        let summary = try site.conclude(run, as: alone)
        #expect(summary.workersJoined == 4 && summary.workersLost == 0)
        #expect(run.errors.contains("Starting 4 workers on 3 hosts over ssh"))
        #expect(run.errors.contains("\none: Joined the run as"), "\(run.errors)")
        #expect(run.errors.contains("\ntwo: [1] Joined the run as"), "\(run.errors)")
        #expect(run.errors.contains("Listening on \(isTunnelled ? "ipc" : "tcp")://"))
        #expect(try tunnelSockets() == sockets)
        #expect(FileManager.default.fileExists(atPath: site.folder("cache-three")))
    }

    /// Sockets that sshd has made for tunnels.
    private func tunnelSockets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { name in
            var status = stat()
            return name.hasPrefix("lockstep-") && lstat("/tmp/\(name)", &status) == 0
                && status.st_mode & S_IFMT == S_IFSOCK
        }.sorted()
    }

    @Test("A host whose ssh client is killed is replaced, and the weights stay the same")
    func replaced() throws {
        let site = try SSHSite(epochs: 10, isSlow: true)
        let alone = try site.alone()
        let run = try site.train(hosts: "one,two")
        try run.waitForLine(containing: "Epoch 0:")
        let client = try #require(
            run.descendants.first {
                let arguments = ProcessTable.arguments(of: $0)
                return arguments.first?.hasSuffix("/ssh") == true && arguments.contains("two")
            })
        kill(client, SIGKILL)
        try run.waitForLine(containing: "two: ssh ended with signal 9 (Killed); its workers start again in 0.2 s")
        try run.waitForLine(containing: "two: Joined the run as", count: 2)
        let summary = try site.conclude(run, as: alone)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3)
    }

    @Test(
        "When the coordinator is killed, no process is left anywhere, and the run can be resumed",
        arguments: [false, true])
    func coordinatorKilled(isTunnelled: Bool) throws {
        let site = try SSHSite(epochs: 10, isSlow: true)
        let alone = try site.alone()
        let options = ["--set", "checkpoint.every=0.05", "--resume=auto"] + (isTunnelled ? ["--tunnel"] : [])
        let first = try site.train(hosts: "one,two:2", options)
        try first.waitForLine(containing: "Epoch 1:")
        try first.wait(until: "there is a checkpoint") {
            try RunDirectory(existing: site.folder("run")).checkpoints.steps().first ?? 0 > 0
        }
        #expect(site.workers.count >= 3)
        // nsenter is replaced by the coordinator, so this is it.
        first.send(signal: SIGKILL)
        try first.wait()
        try site.expectNothingLeft(first)
        let second = try site.train(hosts: "one,two:2", options)
        try site.conclude(second, as: alone)
        #expect(second.errors.contains("Resuming "))
    }

    /// What happens to a host in the middle of a run.
    private enum Fault: CaseIterable {
        case clientKilled, serverKilled, workerKilled, linkCut
    }

    @Test(
        "Clients, sessions, workers and links that are killed or cut leave the weights as they are",
        arguments: 0..<(getenv("LOCKSTEP_DEEP_SSH").flatMap { Int(String(cString: $0)) } ?? 1))
    func faults(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let site = try SSHSite(epochs: 20, isSlow: true)
        let alone = try site.alone()
        let run = try site.train(hosts: "one,two,three:2", seed % 3 == 2 ? ["--tunnel"] : [])
        for epoch in [0, 5, 10] {
            try run.waitForLine(containing: "Epoch \(epoch):")
            let index = Int.random(in: 0..<3, using: &random)
            switch Fault.allCases.randomElement(using: &random) ?? .linkCut {
            case .clientKilled:
                for process in run.descendants
                where ProcessTable.arguments(of: process).contains(SSHSite.names[index]) {
                    kill(process, SIGKILL)
                }
            case .serverKilled:
                try site.killSessions(of: index)
            case .workerKilled:
                for process in site.workers(of: index) { kill(process, SIGKILL) }
            case .linkCut:
                try site.links[index].cut()
                usleep(UInt32.random(in: 100_000...5_000_000, using: &random))
                try site.links[index].mend()
            }
        }
        try site.conclude(run, as: alone)
    }

    @Test("A signal to the coordinator ends the workers of all hosts")
    func stopped() throws {
        let site = try SSHSite(epochs: 1_000, isSlow: true)
        let run = try site.train(hosts: "one,two:2")
        try run.waitForLine(containing: "Epoch 0:")
        run.send(signal: SIGTERM)
        let ending = try run.wait()
        #expect(ending.status == 143, "\(ending)")
        try site.expectNothingLeft(run)
    }

    @Test("What keeps a host from the run is one line that names the host and the remedy")
    func errors() throws {
        let site = try SSHSite()
        func failure(_ hosts: String, _ more: [String] = [], remote: String? = nil) throws -> String {
            let run = try site.train(hosts: hosts, more, remote: remote)
            let ending = try run.wait()
            #expect(ending.status == 69, "\(ending)")
            #expect(run.orphans().isEmpty)
            return ending.errorLines.last ?? ""
        }
        #expect(try failure("one,two", remote: "/nowhere/lockstep").contains(": there is no program /nowhere/lockstep"))
        let older = try site.folder.write(
            text: "#!/bin/sh\necho \"lockstep: unknown option '--removes-socket'\" >&2\nexit 64\n", to: "older")
        chmod(older, 0o755)
        #expect(try failure("one", remote: older).contains("one: lockstep there does not understand"))
        let unknown = try site.folder.write(
            text: text(of: site.folder("ssh-config")).replacing("/known", with: "/nothing"), to: "unknown")
        #expect(
            try failure("one", ["--ssh-config", unknown])
                == "lockstep: one: its host key is not known here: connect once by hand: ssh one")
        let stranger = try site.folder.write(
            text: text(of: site.folder("ssh-config")).replacing("/identity", with: "/host-two"), to: "stranger")
        #expect(
            try failure("one", ["--ssh-config", stranger]).contains("one: ssh needs a key that works without questions")
        )
        #expect(try failure("nowhere.invalid").contains("Could not resolve hostname nowhere.invalid"))
        site.servers[2].send(signal: SIGKILL)
        try site.servers[2].wait()
        #expect(try failure("one,three").contains("three: ssh: connect to host 10.77.3.2 port 22: Connection refused"))
    }

    @Test("Without ssh on the PATH the run says what to install")
    func noClient() throws {
        let place = try Workplace()
        let run = try Program.run(
            ["train", place.configuration, "--hosts", "one", "--output", place.folder("run")],
            environment: ["PATH": place.folder.path], in: place.folder.path)
        #expect(run.status == 69 && run.errors.contains("apt-get install openssh-client"), "\(run)")
    }
}

import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `lockstep train --hosts` with a program in ssh's place that runs everything on this host.
@Suite("Hosts of a run", .serialized, .oneAtATime)
struct LaunchTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(epochs: 10)
        try place.folder.write(
            text: """
                #!/bin/sh
                while [ "$1" != -- ]; do host=$1; shift; done
                export SSH_CONNECTION='127.0.0.1 50000 127.0.0.1 22' LOCKSTEP_HOST="$host"
                exec /bin/sh -c "$2"

                """, to: "bin/ssh")
        chmod(place.folder("bin/ssh"), 0o755)
    }

    private func train(_ options: String...) throws -> RunningProcess {
        try RunningProcess(
            [
                "train", place.configuration, "--shards", "4", "--output", place.folder("run"), "--remote",
                try Program.path,
            ] + options,
            environment: [
                "PATH": "\(place.folder("bin")):/usr/bin:/bin", "LOCKSTEP_FAULT": "slow=2",
                "LOCKSTEP_CACHE": place.folder("cache"),
            ], in: place.folder.path)
    }

    private func conclude(_ run: RunningProcess) throws -> RunSummary {
        let ending = try run.wait()
        #expect(ending.status == 0, "\(ending)")
        #expect(run.orphans().isEmpty)
        let summary = try RunSummary(run: place.folder("run"))
        #expect(try summary.weightsSHA256 == place.weights(["--shards", "4"]), "\(ending)")
        return summary
    }

    @Test("Their workers give the weights of one process; each line says where it comes from")
    func hosts() throws {
        let run = try train("--hosts", "a,b[1-2]:2")
        let summary = try conclude(run)
        #expect(summary.workersJoined == 5 && summary.workersLost == 0)
        for start in ["a: Joined the run as", "b1: [0] Joined", "b2: [1] Joined"] {
            #expect(run.errors.contains("\n\(start)"), "\(run.errors)")
        }
    }

    @Test("A file names them; a lost one is replaced, and its old key is worth nothing")
    func replaced() throws {
        try place.folder.write(text: "# two hosts\na\nb slots=1 # the second\n", to: "hosts.txt")
        let run = try train("--hostfile", "hosts.txt")
        try run.waitForLine(containing: "Epoch 0:")
        let lost = try #require(
            run.workers.first { process in
                ProcessTable.processes(with: "LOCKSTEP_HOST", "b").contains(process)
            })
        kill(lost, SIGKILL)
        try run.waitForLine(containing: "b: ssh ended with signal 9 (Killed); its workers start again in 0.2 s")
        let summary = try conclude(run)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3)
    }

    @Test("A run whose workers are all told to stop ends with the status for trying again later")
    func toldToStop() throws {
        let run = try train("--hosts", "a,b", "--epochs", "100000")
        try run.waitForLine(containing: "Epoch 0:")
        for worker in run.workers { kill(worker, SIGTERM) }
        let ending = try run.wait()
        #expect(ending.status == 75, "\(ending)")
        #expect(run.orphans().isEmpty)
    }

    @Test(
        "What makes no sense is refused before anything starts",
        arguments: [
            (["--hosts=-x"], "is no host name"),
            (["--hosts", "a", "--workers", "2"], "--workers starts workers here"),
            (["--hosts", "a", "--hostfile", "b"], "leave one out"), (["--hostfile", "nowhere"], "nowhere"),
            (["--tunnel"], "belong to --hosts"), (["--hosts", "a", "--advertise", "*"], "--advertise *"),
            (["--hosts", "a[0-999]:2"], "2,000 processes"),
        ])
    func refused(options: [String], expected: String) throws {
        let run = try Program.run(["train", place.configuration] + options, in: place.folder.path)
        #expect([64, 66].contains(run.status) && run.errors.contains(expected), "\(run)")
        #expect(!FileManager.default.fileExists(atPath: place.folder("runs")))
    }
}

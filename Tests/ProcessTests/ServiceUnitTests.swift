import Foundation
import Glibc
import LockstepTesting
import Testing

@Suite(
    "Units for systemd", .serialized, .oneAtATime,
    .enabled(if: access("/usr/bin/systemd-analyze", X_OK) == 0, "needs systemd-analyze"))
struct ServiceUnitTests {
    @Test(
        "systemd accepts each unit, and lockstep the command in it",
        arguments: ["lockstep-coordinator@", "lockstep-worker@"])
    func units(name: String) throws {
        let folder = try TemporaryFolder()
        // systemd checks that the program is there.
        let unit = try text(of: "\(Program.root)/config/systemd/\(name).service")
            .replacing("/usr/local/bin/lockstep", with: try Program.path)
        let path = try folder.write(text: unit, to: "\(name)x.service")
        let result = try Program.run(
            ["verify", "--man=no", path], executable: "/usr/bin/systemd-analyze", in: folder.path)
        #expect(result.status == 0 && result.errors.isEmpty, "\(result)")

        let line = try #require(unit.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
        let words = line.dropFirst("ExecStart=".count).split(separator: " ").dropFirst().map { word in
            String(word).replacing("${BIND}", with: "tcp://127.0.0.1:0").replacing("${WORKERS}", with: "2")
        }
        // A worker has no --print-config: with a wrong variable it ends before it does anything.
        let check = words.first == "coordinator" ? ["--print-config"] : []
        let place = try Workplace()
        let run = try Program.run(
            words.map { $0 == "/etc/lockstep/%i.yaml" ? place.configuration : $0 } + check,
            environment: ["LOCKSTEP_CONNECT": "nowhere"], in: place.folder.path)
        #expect(run.status == (check.isEmpty ? 69 : 0), "\(run)")
        if check.isEmpty { #expect(run.errors.contains("an endpoint is ipc:///folder/name or tcp://host:port")) }
    }
}

import Foundation
import Glibc
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

@Suite("A service manager")
struct ServiceManagerTests {
    private func makeManager(_ environment: [String: String]) -> ServiceManager? {
        ServiceManager { environment[$0] }
    }

    @Test("receives what the service does, at a path and at an abstract name", arguments: [true, false])
    func notifications(isAbstract: Bool) throws {
        let folder = try TemporaryFolder()
        let name = isAbstract ? "@lockstep-test-\(getpid())-notify" : folder("notify")
        let socket = try NotificationSocket(name)
        let manager = try #require(makeManager(["NOTIFY_SOCKET": name]))
        manager.ready(status: "Listening")
        manager.report(status: "Listening")
        manager.ready(status: "Training")
        manager.report(status: "Epoch 0\nREADY=0")
        manager.stopping(status: "Done")
        manager.stopping(status: "Done again")
        #expect(
            socket.receiveAll() == [
                "READY=1\nSTATUS=Listening", "STATUS=Training", "STATUS=Epoch 0\\nREADY=0", "STOPPING=1\nSTATUS=Done",
            ])
    }

    @Test("is pinged at half of its watchdog's time, and only when that is due")
    func watchdog() throws {
        let folder = try TemporaryFolder()
        let socket = try NotificationSocket(folder("notify"))
        let manager = try #require(
            makeManager(["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "\(getpid())"]))
        let start = Instant(nanoseconds: 1_000)
        #expect(manager.nextPing.map { $0 <= start } == true)
        manager.ping(now: start)
        #expect(manager.nextPing == start.advanced(by: .milliseconds(1_500)))
        manager.ping(now: start.advanced(by: .milliseconds(1_499)))
        #expect(socket.receiveAll() == ["WATCHDOG=1"])
        manager.ping(now: start.advanced(by: .milliseconds(1_500)))
        #expect(socket.receiveAll() == ["WATCHDOG=1"])
        #expect(manager.nextPing == start.advanced(by: .seconds(3)))
    }

    @Test(
        "without a watchdog for this process is never pinged",
        arguments: [
            [:], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "soon"], ["WATCHDOG_USEC": "-4"],
            ["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"],
        ])
    func withoutWatchdog(environment: [String: String]) throws {
        let folder = try TemporaryFolder()
        let socket = try NotificationSocket(folder("notify"))
        let manager = try #require(makeManager(environment.merging(["NOTIFY_SOCKET": socket.name]) { $1 }))
        #expect(manager.nextPing == nil)
        manager.ping(now: Instant(nanoseconds: 1))
        #expect(socket.receiveAll().isEmpty)
    }

    @Test(
        "does not exist without the address of a socket",
        arguments: [nil, "", "@", "relative", "vsock:2:1234", "/" + String(repeating: "a", count: 107)])
    func withoutAddress(name: String?) {
        #expect(makeManager(name.map { ["NOTIFY_SOCKET": $0] } ?? [:]) == nil)
    }

    @Test("that is gone, or does not read, keeps the service from nothing")
    func unresponsive() throws {
        let folder = try TemporaryFolder()
        let gone = try #require(makeManager(["NOTIFY_SOCKET": folder("none")]))
        gone.ready(status: "Listening")
        let socket = try NotificationSocket(folder("full"))
        let manager = try #require(makeManager(["NOTIFY_SOCKET": socket.name]))
        let length = try String(contentsOfFile: "/proc/sys/net/unix/max_dgram_qlen", encoding: .utf8)
        let queueLength = try #require(Int(length.split(separator: "\n").first ?? ""))
        for number in 0..<queueLength + 3 { manager.report(status: "\(number)") }
        #expect(socket.receive() == "STATUS=0")
    }
}

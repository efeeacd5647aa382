import LockstepCluster
import LockstepTimeline
import Testing

@Suite("Restarts of dead processes")
struct RestartPolicyTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    @Test("The pause doubles with every early failure up to its limit, and is short again after a long run")
    func pauses() {
        var restartPolicy = RestartPolicy(places: 2, limit: nil, deadlines: Deadlines(), now: instant(0))
        var pauses: [Double] = []
        var now = 0.0
        for _ in 0..<10 {
            guard case .restart(let pause, _, nil) = restartPolicy.processEnded(at: 0, .died, now: instant(now)) else {
                return
            }
            pauses.append(pause)
            #expect(restartPolicy.startDue(now: instant(now + pause - 0.01)).isEmpty)
            now += pause + 0.01
            #expect(restartPolicy.startDue(now: instant(now)) == [0])
            #expect(restartPolicy.nextStart == nil)
        }
        #expect(pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30])
        #expect(
            restartPolicy.processEnded(at: 0, .died, now: instant(now + 61))
                == .restart(afterSeconds: 0.2, count: 11, limit: nil))
        #expect(
            restartPolicy.processEnded(at: 1, .died, now: instant(now + 61))
                == .restart(afterSeconds: 0.2, count: 12, limit: nil))
    }

    @Test("Restarts end at the limit, and a process that left is not restarted")
    func limit() {
        var restartPolicy = RestartPolicy(places: 1, limit: 1, deadlines: Deadlines(), now: instant(0))
        #expect(restartPolicy.processEnded(at: 0, .left, now: instant(1)) == .none)
        #expect(
            restartPolicy.processEnded(at: 0, .died, now: instant(1)) == .restart(afterSeconds: 0.2, count: 1, limit: 1)
        )
        #expect(restartPolicy.processEnded(at: 0, .died, now: instant(2)) == .exhausted(limit: 1))
        #expect(restartPolicy.count == 1)
    }
}

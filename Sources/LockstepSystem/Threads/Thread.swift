import CLinux
import Glibc

/// A thread of the system that runs one function. Loops that block need one: in Swift's pool of tasks they would hold
/// up the other tasks.
package struct Thread: ~Copyable, Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread. Debuggers and `top -H` show the first 15 bytes of its name.
    ///
    /// A thread whose value is destroyed without `join()` continues to run.
    package init(name: String, _ body: sending @escaping () -> Void) throws(SystemError) {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var handle = pthread_t()
        let code = pthread_create(&handle, nil, runThread, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError("start a thread", code: code)
        }
        self.init(handle: handle)
    }

    /// Checks that so many threads can run at once besides those that do, by starting and ending them: a library that cannot
    /// start a thread may abort the process.
    ///
    /// - Throws: `SystemError` if they cannot.
    package static func check(canStart count: Int) throws(SystemError) {
        let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(gate, nil)
        defer {
            pthread_mutex_destroy(gate)
            gate.deallocate()
        }
        // The threads wait for the lock, so all exist at once.
        pthread_mutex_lock(gate)
        var started: [pthread_t] = []
        var code: Int32 = 0
        while code == 0, started.count < count {
            var thread = pthread_t()
            code = pthread_create(&thread, nil, waitForGate, gate)
            if code == 0 { started.append(thread) }
        }
        pthread_mutex_unlock(gate)
        for thread in started { pthread_join(thread, nil) }
        guard code == 0 else { throw SystemError("start a thread", code: code) }
    }

    private init(handle: pthread_t) {
        self.handle = handle
    }

    deinit {
        pthread_detach(handle)
    }

    /// Lets another thread that is ready to run have this core. Returns at once if there is none.
    package static func yield() { sched_yield() }

    /// Sleeps for so many seconds; a signal may end the sleep before.
    package static func sleep(seconds: Double) {
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        nanosleep(&time, nil)
    }

    /// Whether the calling thread has the default scheduling policy, SCHED_OTHER: the user has chosen no other.
    package static var hasDefaultScheduling: Bool { linux_scheduling_policy(0) == linux_scheduling_other }

    /// Gives the calling thread the default scheduling policy back if it is batch-scheduled.
    package static func restoreDefaultScheduling() {
        guard linux_scheduling_policy(0) == linux_scheduling_batch else { return }
        _ = linux_set_scheduling_policy(0, linux_scheduling_other)
    }

    /// Runs `body` so that the threads that it starts are batch-scheduled (SCHED_BATCH): when they wake, they do not
    /// preempt a running thread. The calling thread is batch-scheduled while `body` runs.
    ///
    /// If the calling thread does not have the default policy, or the system refuses to change it, `body` runs with
    /// scheduling unchanged.
    package static func withBatchScheduling<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        guard hasDefaultScheduling, linux_set_scheduling_policy(0, linux_scheduling_batch) == 0 else {
            return try body()
        }
        defer { _ = linux_set_scheduling_policy(0, linux_scheduling_other) }
        return try body()
    }

    /// Waits until the thread's function has returned.
    package consuming func join() {
        pthread_join(handle, nil)
        discard self
    }
}

/// The arguments of a new thread, which releases them.
private final class ThreadStart {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    linux_name_thread(start.name)
    start.body()
    return nil
}

private func waitForGate(_ gate: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let gate = gate?.assumingMemoryBound(to: pthread_mutex_t.self) else { return nil }
    pthread_mutex_lock(gate)
    pthread_mutex_unlock(gate)
    return nil
}

import CLinux
import Glibc

/// A thread that runs one function to its end: loops that block are no work for a pool of tasks.
package struct Thread: ~Copyable, Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread. Of the name, which debuggers and `top -H` show, 15 bytes are kept.
    ///
    /// A thread that is let go without `join()` runs on by itself.
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

    private init(handle: pthread_t) {
        self.handle = handle
    }

    deinit {
        pthread_detach(handle)
    }

    /// Leaves the core to whoever else can use it; returns at once where nobody can.
    package static func yield() { sched_yield() }

    /// Whether the calling thread is scheduled like any other, and not in a way that somebody has chosen for it.
    package static var isOrdinary: Bool { linux_scheduling_policy(0) == linux_scheduling_other }

    /// Has the calling thread scheduled as ordinary ones are, if it was started among patient ones.
    package static func becomeOrdinary() {
        guard linux_scheduling_policy(0) == linux_scheduling_batch else { return }
        _ = linux_set_scheduling_policy(0, linux_scheduling_other)
    }

    /// Runs `body` so that the threads it starts take no core from another one when they wake (SCHED_BATCH); the calling
    /// thread does so only meanwhile. They are as they would be anyway where the calling thread is no ordinary one, or
    /// the system refuses.
    package static func startingPatientThreads<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        guard isOrdinary, linux_set_scheduling_policy(0, linux_scheduling_batch) == 0 else { return try body() }
        defer { _ = linux_set_scheduling_policy(0, linux_scheduling_other) }
        return try body()
    }

    /// Waits until the thread's function has returned.
    package consuming func join() {
        pthread_join(handle, nil)
        discard self
    }
}

/// What a new thread is told, held by nobody but the thread.
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

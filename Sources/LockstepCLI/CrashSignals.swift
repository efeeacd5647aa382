import Glibc

/// What happens when this process crashes.
enum CrashSignals {
    /// Lets a crash end the process at once.
    ///
    /// Swift's runtime would first stop all threads to print a backtrace. The threads of libzmq block the signal that
    /// stops them, so that a crashed worker would keep its connections for minutes before another one could take its
    /// place. With `SWIFT_BACKTRACE` in the environment the backtrace is wanted, and printed.
    static func endAtOnce() {
        guard getenv("SWIFT_BACKTRACE") == nil else { return }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = nil
        for signal in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { sigaction(signal, &action, nil) }
    }
}

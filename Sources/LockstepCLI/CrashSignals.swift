import Glibc

/// What happens when this process crashes.
enum CrashSignals {
    /// Lets a crash end the process at once.
    ///
    /// Swift's runtime would first stop all threads to print where they are. Those of libzmq block its signal, so that a
    /// crashed worker would linger for minutes, connections and all, before anybody could take its place. Whoever sets
    /// `SWIFT_BACKTRACE` wants to see where, and waits.
    static func endAtOnce() {
        guard getenv("SWIFT_BACKTRACE") == nil else { return }
        var action = sigaction()
        action.__sigaction_handler.sa_handler = nil
        for signal in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { sigaction(signal, &action, nil) }
    }
}

import Glibc

/// A value behind a mutex: one thread at a time reads or changes it.
///
/// The mutex is pthread's, not `Synchronization.Mutex`: ThreadSanitizer intercepts pthread's. It cannot see into the
/// standard library's and reports the accesses that it orders as races.
package final class Locked<Value: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    package init(_ value: consuming sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Calls `body` with the value while this thread holds the mutex. `body` must not call this again: the mutex is not
    /// recursive.
    package func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}

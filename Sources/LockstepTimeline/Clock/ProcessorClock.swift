import Glibc

/// The processor time of this process. Time in which other processes run does not count.
package enum ProcessorClock {
    /// The seconds that the calling thread has run so far.
    package static var threadSeconds: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    /// The seconds that all threads of this process have run so far.
    package static var processSeconds: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

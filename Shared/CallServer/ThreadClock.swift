import Foundation

/// The processor time that the current thread has used.
///
/// On a busy machine, the time on the clock may be many times as long, and says little about what
/// the thread did.
package enum ThreadClock {
    /// The time since the thread began.
    package static var now: Duration {
        var time = timespec()
        // Safe, because it only writes to `time`. It fails only for clocks that the system does not
        // have, and Linux has this one.
        unsafe _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

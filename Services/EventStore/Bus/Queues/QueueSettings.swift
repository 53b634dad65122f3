import EventSourcing

/// How a queue delivers, and what becomes of what it can't deliver.
struct QueueSettings: Hashable, Sendable {
    /// How often, how long and how soon again an entry is tried.
    struct Retry: Hashable, Sendable {
        var maximumReceives = 10
        var maximumAge: Duration = .seconds(86_400)
        /// How long an entry waits after its first failure; doubled with each further one.
        var backoff: Duration = .seconds(1)
        var maximumBackoff: Duration = .seconds(300)

        /// How long an entry that was received so often waits now: between half and all of the
        /// doubled back-off, lest all that failed together come back together.
        func delay(afterReceives receives: Int, random: Double) -> Duration {
            // Beyond 30 doublings every back-off is at its maximum, and no duration overflows.
            let doublings = min(max(receives - 1, 0), 30)
            return min(backoff * (1 << doublings), maximumBackoff) * (0.5 + random / 2)
        }
    }

    /// How long a delivery may stay unacknowledged, unless its receiver says otherwise.
    var visibilityTimeout: Duration = .seconds(30)
    var retry = Retry()
    /// Whether the entries of a group wait until those of it that died are redriven.
    var waitsBehindDead = true
    /// Whether what dies is kept as a dead letter; else it is dropped, and its group goes on.
    var hasDeadLetters = true
}

/// How often a request is made that may go well another time, and what passes between.
struct RetryPolicy: Sendable {
    var attempts = 5
    var first: Duration = .milliseconds(200)
    var longest: Duration = .seconds(5)
    /// Between a half and one; spread, so that not everybody comes back at once.
    var jitter: @Sendable () -> Double = { .random(in: 0.5...1) }
    /// What waits; throws when the task is cancelled.
    var pause: @Sendable (Duration) async throws -> Void = { duration in
        // Nothing says when a store that was out of order is in order again.
        try await Task.sleep(for: duration)
    }

    /// What passes after the attempt of this number, from 1, has failed.
    func delay(after attempt: Int) -> Duration {
        min(first * (1 << min(attempt - 1, 20)), longest) * jitter()
    }
}

/// How often a request is retried, and the delays between attempts.
struct RetryPolicy: Sendable {
    var attempts = 5
    var first: Duration = .milliseconds(200)
    var longest: Duration = .seconds(5)
    /// The random part of the delay, from 0.5 to 1. It spreads the retries of many clients.
    var jitter: @Sendable () -> Double = { .random(in: 0.5...1) }
    /// Waits for a delay. It throws when the task is cancelled.
    var pause: @Sendable (Duration) async throws -> Void = { duration in
        // A failing store does not announce when it works again, so this waits by the clock.
        try await Task.sleep(for: duration)
    }

    /// Returns the delay after a failed attempt. Attempts are numbered from 1.
    func delay(after attempt: Int) -> Duration {
        min(first * (1 << min(attempt - 1, 20)), longest) * jitter()
    }
}

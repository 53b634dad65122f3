/// Pauses a test that polls for a condition. Polling without a pause would take a core from the
/// processes that must fulfil the condition.
public func lookAgainSoon() async throws {
    // The caller polls again, so no test depends on this time.
    try await Task.sleep(for: .milliseconds(5))
}

/// What a test does between two looks at what it waits for: to look all the time would take a core
/// from the processes that are to bring it about.
public func lookAgainSoon() async throws {
    // No wait for something to have happened by then: who calls this looks again.
    try await Task.sleep(for: .milliseconds(5))
}

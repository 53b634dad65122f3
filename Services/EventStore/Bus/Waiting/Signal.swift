/// Wakes the one task that waits for work. Signals sent while it is busy count as one.
struct Signal: Sendable {
    private let pipe = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// The signals. Ends when the task is cancelled.
    var signals: AsyncStream<Void> { pipe.stream }

    func send() { pipe.continuation.yield() }
}

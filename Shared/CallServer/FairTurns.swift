public import ZeroMQ

/// The turns of clients at work that takes long: one at a time, and the client that has taken the
/// least time so far is next.
///
/// The work must pause often. While it does, the thread answers short calls.
public actor FairTurns: LoopActor {
    /// The thread that does the work.
    public nonisolated let loop: SocketLoop
    private var isTaken = false
    private var waiting = FairQueue<CheckedContinuation<Void, Never>>()

    /// Creates turns that nobody has.
    package init(on loop: SocketLoop) { self.loop = loop }

    /// Does the work when it is the turn of the client whose call the task answers.
    ///
    /// - Throws: what the work throws, and `CancellationError` if the task was cancelled before.
    public func run<Result: Sendable>(
        _ work: @Sendable () async throws -> Result
    ) async throws -> Result {
        let lane = CallerLane.current
        await withCheckedContinuation { continuation in
            waiting.append(continuation, to: lane)
            guard !isTaken else { return }
            isTaken = true
            waiting.popFirst()?.resume()
        }
        let start = ContinuousClock.now
        defer {
            waiting.charge(.now - start, to: lane)
            if let next = waiting.popFirst() { next.resume() } else { isTaken = false }
        }
        try Task.checkCancellation()
        return try await work()
    }
}

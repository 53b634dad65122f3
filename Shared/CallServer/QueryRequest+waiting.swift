package import WireProtocol
package import ZeroMQ

extension QueryRequest {
    /// How long a query waits for the position that its answer must include, at most, in seconds.
    private static var longestWait: Double { 30 }

    /// Returns the answer of `body`, which must include the position that it gets, and which stops
    /// when its task is cancelled.
    ///
    /// - Throws: `invalid` for a timeout that is not above 0, `unavailable` if the position is not
    ///   reached before the caller's timeout, and `overloaded` after the longest wait.
    package func waiting<Answer: Sendable>(
        on loop: SocketLoop, _ body: @escaping @Sendable (UInt64) async throws -> Answer
    ) async throws -> Answer {
        let position = try position()
        let timeout = timeout ?? .infinity
        guard timeout > 0 else {
            throw ProtocolError(.invalid, "a timeout must be above 0 seconds, not \(timeout)")
        }
        // Nothing waits, and most queries are of this kind.
        guard position > 0 else { return try await body(0) }
        let limit = min(timeout, Self.longestWait)
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask(executorPreference: loop) { try await body(position) }
            group.addTask(executorPreference: loop) {
                // Nobody waits for the answer after this time.
                try await Task.sleep(for: .seconds(limit))
                throw ProtocolError(
                    timeout > Self.longestWait ? .overloaded : .unavailable,
                    "position \(position) was not reached within \(limit) s; ask again")
            }
            defer { group.cancelAll() }
            for try await answer in group { return answer }
            throw CancellationError()
        }
    }
}

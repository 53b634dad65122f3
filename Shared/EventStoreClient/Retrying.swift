public import EventSourcing

/// Returns the answer of `ask`. Asks again while the process does not answer or has too much to do.
///
/// - Parameter note: called with the error before each pause.
/// - Throws: any other error of `ask`, or `CancellationError`.
public func retrying<Answer>(
    isolation: isolated (any Actor)? = #isolation,
    noting note: (any ClassifiedError) -> Void = { _ in },
    _ ask: () async throws -> Answer
) async throws -> Answer {
    while true {
        do {
            return try await ask()
        } catch let error as any ClassifiedError where error.isTemporary {
            try Task.checkCancellation()
            note(error)
            // The process does not say when it is ready.
            try await Task.sleep(for: retryPause)
        }
    }
}

/// The pause before a request is repeated that a process has answered with a temporary error.
let retryPause: Duration = .milliseconds(200)

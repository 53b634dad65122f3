import Dispatch
import Foundation

/// Makes SIGTERM and SIGINT end the process with status 0, until ``untilSignalled(_:)`` takes over.
///
/// A starting process has no work to finish, and its files survive a crash at any moment. So a
/// long-running process may end at once while it is starting.
public func endOnSignalWhileStarting() {
    for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
}

/// Runs `body` until it ends, or SIGTERM or SIGINT cancels it.
public func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let (signals, continuation) = AsyncStream<Void>.makeStream()
    let sources = [SIGTERM, SIGINT].map { number in
        #if canImport(Darwin)
            // Darwin's source does not replace the default action, which ends the process.
            signal(number, SIG_IGN)
        #endif
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler { continuation.yield() }
        source.activate()
        return source
    }
    defer { for source in sources { source.cancel() } }
    do {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { _ = await signals.first { true } }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    } catch is CancellationError {
        // The cancellation is the expected result of a stop, not a failure.
    }
}

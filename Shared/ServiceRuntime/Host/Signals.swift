import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// Makes SIGTERM and SIGINT end the process with status 0, until ``untilSignalled(_:)`` takes over.
///
/// A starting process has no work to finish, and its files survive a crash at any moment. So a
/// long-running process may end at once while it is starting.
public func endOnSignalWhileStarting() {
    for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
}

/// Runs `body` until it ends, or SIGTERM or SIGINT cancels it.
public func untilSignalled(_ body: @escaping @Sendable () async throws -> Void) async throws {
    struct Work: ServiceLifecycle.Service {
        let body: @Sendable () async throws -> Void

        func run() async throws {
            do {
                try await cancelWhenGracefulShutdown { try await body() }
            } catch is CancellationError {
                // The cancellation is the expected result of a stop, not a failure.
            }
        }
    }
    let group = ServiceGroup(
        configuration: .init(
            services: [
                .init(
                    service: Work(body: body),
                    successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .cancelGroup)
            ],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "signals") { _ in SwiftLogNoOpLogHandler() }))
    try await group.run()
}

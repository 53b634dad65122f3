import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

/// The progress of a part of an import.
///
/// If the part makes no progress, this prints what it waits for. After the timeout the part fails.
actor ImportProgress {
    /// The time without progress after which the reason is printed.
    private static let pause: Duration = .seconds(1)
    /// The time after which the reason is looked up again.
    private static let interval: Duration = .seconds(5)

    private let title: String
    private let total: Int
    private let obstacles: Obstacles
    private let timeout: Duration
    private var bar: ProgressBar
    private var done = 0
    private var lastProgress = ContinuousClock.now
    private var reason = ""

    /// - Parameter title: what is counted, such as `orders placed`.
    init(_ title: String, total: Int, obstacles: Obstacles, timeout: Duration) {
        self.title = title
        self.total = total
        self.obstacles = obstacles
        self.timeout = timeout
        bar = ProgressBar(title, total: total)
    }

    /// Runs `body` and watches its progress.
    ///
    /// - Throws: `unavailable` if there is no progress for the timeout.
    nonisolated func watch<Result: Sendable>(
        _ body: @escaping @Sendable (ImportProgress) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body(self) }
            group.addTask {
                try await self.watch()
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                guard let result else { continue }
                await end()
                return result
            }
            throw CancellationError()
        }
    }

    func advance(by count: Int = 1) { advance(to: done + count) }

    func advance(to count: Int) {
        guard count > done else { return }
        done = count
        lastProgress = .now
        reason = ""
        bar.show(done)
    }

    private func end() { bar.end() }

    private func watch() async throws {
        var lastLook = ContinuousClock.now
        while true {
            // Polled, because a part that makes no progress reports nothing.
            try await Task.sleep(for: .milliseconds(200))
            let idle = ContinuousClock.now - lastProgress
            if idle > timeout { throw stalled(await obstacles.current()) }
            if idle > Self.pause, reason.isEmpty || .now - lastLook > Self.interval {
                lastLook = .now
                let found = await obstacles.current()
                // The part may have made progress meanwhile.
                if ContinuousClock.now - lastProgress > Self.pause { say(found) }
            }
            bar.show(done, reason)
        }
    }

    private func say(_ obstacles: [String]) {
        let found = obstacles.isEmpty ? "the services" : obstacles.joined(separator: "; ")
        guard reason != found else { return }
        reason = found
        // On a terminal the progress bar shows the reason.
        if isatty(STDERR_FILENO) != 1 {
            Output.printError("\(title): \(done) of \(total); waiting for: \(found)")
        }
    }

    private func stalled(_ obstacles: [String]) -> DaybookError {
        bar.end()
        let found =
            obstacles.isEmpty ? "the cause is unknown" : obstacles.joined(separator: "; ")
        return DaybookError(
            .unavailable,
            "\(title): \(done) of \(total); no progress for \(timeout / .seconds(1)) s: \(found)")
    }
}

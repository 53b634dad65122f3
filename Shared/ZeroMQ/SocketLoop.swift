import Foundation

/// One thread, on which every socket made on it lives.
///
/// An actor whose `unownedExecutor` is the loop's runs on that thread alone, so the compiler, not a
/// convention, keeps its sockets there:
///
///     actor Echo {
///         private let socket: Socket
///         private let loop: SocketLoop
///         nonisolated var unownedExecutor: UnownedSerialExecutor {
///             unsafe loop.asUnownedSerialExecutor()
///         }
///         …
///         func run() async throws {
///             while try await socket.readable() {
///                 while let message = try socket.receiveMessage() { _ = try socket.send(message) }
///             }
///         }
///     }
///
/// The loop is a task executor too: a task that prefers it runs where the sockets are, and calls to
/// such actors cost no change of threads.
///
/// The thread ends when nothing retains the loop: no actor, and so no job of one, either.
public final class SocketLoop: SerialExecutor, TaskExecutor {
    private let thread: LoopThread

    /// Starts the thread.
    public init(name: String) {
        thread = LoopThread(name)
        let thread = Thread { [thread, weak self] in thread.run(jobsOf: { self }) }
        thread.name = name
        thread.start()
    }

    deinit { thread.stop() }

    public func enqueue(_ job: consuming ExecutorJob) { thread.enqueue(UnownedJob(job)) }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(thread.isCurrent, "this runs on the loop's thread")
    }

    public func isIsolatingCurrentContext() -> Bool? { thread.isCurrent }

    /// Waits, on the loop, for `subject`; false when the deadline passed first.
    func wait(
        _ subject: LoopThread.Subject, for event: LoopThread.Event,
        until deadline: ContinuousClock.Instant?, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        preconditionIsolated("a socket is waited for on its loop")
        return try await thread.wait(subject, for: event, until: deadline)
    }
}

import Foundation

/// A thread on which all sockets made on it live.
///
/// A ``LoopActor`` runs on that thread alone, so the compiler, not a convention, keeps its sockets
/// there:
///
///     actor Echo: LoopActor {
///         let loop: SocketLoop
///         private let socket: Socket
///         …
///         func run() async throws {
///             while try await socket.readable() {
///                 while let message = try socket.receiveMessage() { _ = try socket.send(message) }
///             }
///         }
///     }
///
/// The loop is a task executor too: a task that prefers it runs on its thread, so calls to such
/// actors need no change of threads.
///
/// The thread ends when nothing retains the loop. Its actors retain it, and jobs retain the actors.
public final class SocketLoop: SerialExecutor, TaskExecutor {
    let thread: LoopThread

    /// Starts the loop's thread.
    ///
    /// - Parameter name: the thread's name, as debuggers show it.
    public init(name: String) {
        thread = LoopThread(name)
        let thread = Thread { [thread, weak self] in thread.run(jobsOf: { self }) }
        thread.name = name
        thread.start()
    }

    deinit { thread.stop() }

    /// Enqueues a job on the loop's thread. Any thread may call this.
    public func enqueue(_ job: consuming ExecutorJob) { thread.enqueue(UnownedJob(job)) }

    /// Returns the loop as an actor's executor.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    /// Traps unless the current thread is the loop's.
    public func checkIsolated() {
        precondition(thread.isCurrent, "this code must run on the loop's thread")
    }

    /// Returns whether the current thread is the loop's.
    public func isIsolatingCurrentContext() -> Bool? { thread.isCurrent }
}

/// An actor that runs on the thread of a loop, and so may have sockets.
public protocol LoopActor: Actor {
    /// The loop whose thread runs the actor.
    nonisolated var loop: SocketLoop { get }
}

extension LoopActor {
    /// The loop as the actor's executor.
    @inlinable public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }
}

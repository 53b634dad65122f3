internal import CZeroMQ
import Foundation
import Synchronization

/// The thread of a loop. It runs jobs and, between them, polls the sockets that tasks wait for.
@safe final class LoopThread: Sendable {
    enum Event: Sendable { case readable, writable }

    /// What a task waits for: a libzmq socket or a file descriptor.
    @safe enum Subject {
        case socket(UnsafeMutableRawPointer)
        case descriptor(Int32)
    }

    /// The reason why a wait ended.
    private enum Ending { case ready, timedOut, cancelled }

    /// The state that any thread may change. Everything else belongs to the loop's own thread.
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var cancelled: [UInt64] = []
        var isStopped = false
        var isSignalled = false
    }

    @safe private struct Wait {
        let id: UInt64
        let subject: Subject
        let event: Event
        let deadline: ContinuousClock.Instant?
        let continuation: UnsafeContinuation<Ending, Never>
    }

    private let inbox = Mutex(Inbox())
    private let wakeDescriptor: Int32
    private let identity = Atomic<UInt>(0)
    private let nextWait = Atomic<UInt64>(1)
    /// Only the loop's own thread uses this.
    private nonisolated(unsafe) var waits: [Wait] = []
    /// Whether the thread is about to sleep. Only the loop's own thread uses this.
    private nonisolated(unsafe) var isPolling = false

    /// Creates the state of the thread, which calls `run(jobsOf:)`.
    ///
    /// - Parameter name: the loop's name, for error messages.
    init(_ name: String) {
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(wakeDescriptor >= 0, "no descriptor is left for the loop \(name)")
    }

    deinit { _ = close(wakeDescriptor) }

    /// Ends the thread after the waiting jobs have run.
    func stop() { deliver { $0.isStopped = true } }

    func enqueue(_ job: UnownedJob) { deliver { $0.jobs.append(job) } }

    var isCurrent: Bool { identity.load(ordering: .acquiring) == Self.currentThread }

    private static var currentThread: UInt { UInt(pthread_self()) }

    /// Changes the inbox, and wakes the thread unless an earlier wake-up is still pending.
    private func deliver(_ change: (inout Inbox) -> Void) {
        let mustSignal = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isSignalled = true }
            return !inbox.isSignalled
        }
        // libzmq may call back while this thread polls, such as about messages of a connection that
        // has ended. Then the thread would sleep without a look at the inbox.
        guard mustSignal, unsafe !isCurrent || isPolling else { return }
        var one: UInt64 = 1
        unsafe _ = write(wakeDescriptor, &one, 8)
    }

    // MARK: Waiting

    /// Waits, on this thread, for `subject`. Returns false if the deadline passes first.
    func wait(
        _ subject: Subject, for event: Event,
        until deadline: ContinuousClock.Instant?, isolation: isolated any Actor = #isolation
    ) async throws(CancellationError) -> Bool {
        precondition(isCurrent, "wait for a socket on its own loop")
        let id = nextWait.wrappingAdd(1, ordering: .relaxed).newValue
        let ending = await withTaskCancellationHandler {
            _ = isolation  // Captured, so that this closure stays on the loop's thread.
            return await unsafe withUnsafeContinuation { continuation in
                guard !Task.isCancelled else {
                    unsafe continuation.resume(returning: Ending.cancelled)
                    return
                }
                let wait = unsafe Wait(
                    id: id, subject: subject, event: event, deadline: deadline,
                    continuation: continuation)
                unsafe waits.append(wait)
            }
        } onCancel: {
            deliver { $0.cancelled.append(id) }
        }
        guard ending != .cancelled else { throw CancellationError() }
        return ending == .ready
    }

    // MARK: The thread

    /// How many rounds of jobs may run before sockets are polled, even if jobs are left, so that
    /// neither starves the other.
    private static let rounds = 8

    /// Runs jobs and polls until the loop is stopped and no jobs are left.
    ///
    /// - Parameter loop: returns the loop of the jobs. Never nil while there are jobs: a job
    ///   retains its actor, and so its loop.
    func run(jobsOf loop: () -> SocketLoop?) {
        identity.store(Self.currentThread, ordering: .releasing)
        var items: [zmq_pollitem_t] = unsafe []
        var round = 0
        while true {
            let taken = inbox.withLock { inbox in
                defer { inbox = Inbox(isStopped: inbox.isStopped) }
                return inbox
            }
            if !taken.jobs.isEmpty, let loop = loop() {
                // Passed as both executors, so that a task that prefers the loop stays on it
                // without being enqueued again.
                let executor = unsafe loop.asUnownedSerialExecutor()
                let taskExecutor = unsafe loop.asUnownedTaskExecutor()
                for job in taken.jobs {
                    unsafe job.runSynchronously(isolatedTo: executor, taskExecutor: taskExecutor)
                }
            }
            for id in taken.cancelled { end(.cancelled) { $0.id == id } }
            let isIdle = taken.jobs.isEmpty && taken.cancelled.isEmpty
            if isIdle, taken.isStopped { break }
            round += 1
            guard isIdle || round == Self.rounds else { continue }
            round = 0
            unsafe poll(&items, mayWait: isIdle)
        }
        end(.cancelled) { _ in true }
    }

    private func poll(_ items: inout [zmq_pollitem_t], mayWait: Bool) {
        unsafe items.removeAll(keepingCapacity: true)
        let readable = Int16(ZMQ_POLLIN)
        unsafe items.append(
            zmq_pollitem_t(socket: nil, fd: wakeDescriptor, events: readable, revents: 0))
        for wait in unsafe waits {
            let events = wait.event == .readable ? readable : Int16(ZMQ_POLLOUT)
            let item =
                switch wait.subject {
                case .socket(let socket):
                    unsafe zmq_pollitem_t(socket: socket, fd: 0, events: events, revents: 0)
                case .descriptor(let descriptor):
                    unsafe zmq_pollitem_t(socket: nil, fd: descriptor, events: events, revents: 0)
                }
            unsafe items.append(item)
        }
        unsafe isPolling = true
        let count = unsafe zmq_poll(&items, Int32(items.count), mayWait ? timeout() : 0)
        unsafe isPolling = false
        if count > 0 {
            if unsafe items[0].revents != 0 {
                var value: UInt64 = 0
                unsafe _ = read(wakeDescriptor, &value, 8)
            }
            for index in unsafe items.indices.dropFirst().reversed()
            where unsafe items[index].revents != 0 {
                unsafe waits.remove(at: index - 1).continuation.resume(returning: .ready)
            }
        }
        guard unsafe waits.contains(where: { $0.deadline != nil }) else { return }
        let now = ContinuousClock.now
        end(.timedOut) { $0.deadline.map { $0 <= now } ?? false }
    }

    private func end(_ ending: Ending, where isEnded: (Wait) -> Bool) {
        unsafe waits.removeAll { wait in
            guard isEnded(wait) else { return false }
            unsafe wait.continuation.resume(returning: ending)
            return true
        }
    }

    /// Returns the milliseconds until the earliest deadline, rounded up. Without a deadline it
    /// returns -1, which makes `zmq_poll` wait without a limit.
    private func timeout() -> Int {
        guard let deadline = unsafe waits.compactMap({ $0.deadline }).min() else { return -1 }
        let left = deadline - .now
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000) + 1
    }
}

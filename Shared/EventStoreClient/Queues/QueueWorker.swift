import EventSourcing
public import WireProtocol
import ZeroMQ

/// Has the deliveries of a queue handled, side by side, for as long as a process runs:
///
///     let worker = QueueWorker(try await client.consumer(of: "invoices"), concurrency: 8)
///     try await worker.run { delivery in
///         try await invoice(delivery.event)
///         return .done
///     }
///
/// A delivery that takes long stays the worker's: its visibility timeout is extended while its
/// handler runs. When the task is cancelled no more are received, those in hand are handled to
/// their end and settled, and what is not done by then goes back to the queue.
public actor QueueWorker {
    /// Handles a delivery; what it throws is told to the queue, which delivers it again later.
    public typealias Handler = @Sendable (Delivery) async throws -> Settlement.Verdict

    private let consumer: QueueConsumer
    private let concurrency: Int
    private let visibilityTimeout: Duration
    private let drainTimeout: Duration
    private let onUnavailable: @Sendable (Unavailable) -> Void
    private let loop: SocketLoop

    private struct Running {
        let lease: UInt64
        var visibleAt: ContinuousClock.Instant
        var task: Task<Void, Never>?
    }

    private var running: [UInt64: Running] = [:]
    private var settlements: [Settlement] = []
    private var isSettling = false
    private var waiter: CheckedContinuation<Void, Never>?

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - concurrency: so many deliveries are in hand at a time, at most.
    ///   - visibilityTimeout: a worker that dies keeps its deliveries from others for so long.
    ///   - drainTimeout: when cancelled, handlers have so long to end before they are cancelled.
    ///   - onUnavailable: told each time that the store does not answer, which is waited for.
    public init(
        _ consumer: QueueConsumer, concurrency: Int = 16,
        visibilityTimeout: Duration = .seconds(30), drainTimeout: Duration = .seconds(20),
        onUnavailable: @escaping @Sendable (Unavailable) -> Void = { _ in }
    ) {
        self.consumer = consumer
        self.concurrency = max(1, min(concurrency, ReceiveRequest.maximumCount))
        self.visibilityTimeout = visibilityTimeout
        self.drainTimeout = drainTimeout
        self.onUnavailable = onUnavailable
        loop = consumer.connection.loop
    }

    /// Works until cancelled; then returns when what was in hand is settled.
    ///
    /// - Throws: `CancellationError`, or what the bus refuses: there is no such queue.
    public func run(_ handler: @escaping Handler) async throws {
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.receive(handler) }
                group.addTask { try await self.keepVisible() }
                try await group.next()
                group.cancelAll()
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // Not part of the task that was cancelled, for there is still something to send.
        await Task(executorPreference: loop) { await self.drain() }.value
        try result.get()
    }

    private func receive(_ handler: @escaping Handler) async throws {
        while true {
            try Task.checkCancellation()
            // Few are not asked for: more at a time cost less.
            guard concurrency - running.count > concurrency / 2 || running.isEmpty else {
                await changed()
                continue
            }
            do {
                let deliveries = try await consumer.receive(
                    concurrency - running.count, visibilityTimeout: visibilityTimeout)
                for delivery in deliveries { start(delivery, handler) }
            } catch let error as Unavailable {
                if await consumer.connection.isClosed { throw error }
                onUnavailable(error)
            }
        }
    }

    private func start(_ delivery: Delivery, _ handler: @escaping Handler) {
        running[delivery.sequence] = Running(
            lease: delivery.lease, visibleAt: .now + visibilityTimeout)
        // Not a child of the task that is cancelled when the process stops: what has begun ends.
        running[delivery.sequence]?.task = Task(executorPreference: loop) {
            let verdict: Settlement.Verdict
            do {
                verdict = try await handler(delivery)
            } catch {
                verdict = .failed(error: "\(error)", delay: nil)
            }
            await self.finish(delivery, verdict)
        }
    }

    private func finish(_ delivery: Delivery, _ verdict: Settlement.Verdict) {
        running[delivery.sequence] = nil
        settlements.append(
            Settlement(sequence: delivery.sequence, lease: delivery.lease, verdict))
        wake()
        if !isSettling {
            isSettling = true
            Task(executorPreference: loop) { await self.settle() }
        }
    }

    /// Returns when a delivery has been handled, or the task is cancelled.
    private func changed() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { continuation.resume() } else { waiter = continuation }
            }
        } onCancel: {
            Task(executorPreference: loop) { await self.wake() }
        }
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }

    /// Sends what is settled, and what has come meanwhile, together.
    private func settle() async {
        while !settlements.isEmpty {
            let batch = settlements
            settlements = []
            // Who can't be told delivers again when the visibility timeout has passed.
            _ = try? await consumer.settle(batch)
        }
        isSettling = false
        wake()
    }

    /// Extends the visibility of deliveries that are still being handled.
    private func keepVisible() async throws {
        while true {
            try await Task.sleep(for: visibilityTimeout / 3)
            let soon = ContinuousClock.now + visibilityTimeout * 2 / 3
            let late = running.filter { $0.value.visibleAt < soon }
            guard !late.isEmpty else { continue }
            for sequence in late.keys {
                running[sequence]?.visibleAt = .now + visibilityTimeout
            }
            do {
                try await consumer.settle(
                    late.map { sequence, delivery in
                        Settlement(
                            sequence: sequence, lease: delivery.lease, .extended(visibilityTimeout))
                    })
            } catch let error as Unavailable {
                onUnavailable(error)
            }
        }
    }

    private func drain() async {
        let deadline = Task(executorPreference: loop) {
            // Handlers have this much time.
            try await Task.sleep(for: self.drainTimeout)
            await self.cancelRunning()
        }
        while !running.isEmpty || isSettling { await changed() }
        deadline.cancel()
        // What an answer that came too late brought is nobody's.
        _ = try? await consumer.release(timeout: .seconds(5))
    }

    private func cancelRunning() { for delivery in running.values { delivery.task?.cancel() } }
}

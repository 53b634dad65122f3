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
    /// Handles deliveries together, and says in their order what has become of them; what it throws
    /// is told to the queue of each.
    public typealias BatchHandler = @Sendable ([Delivery]) async throws -> [Settlement.Verdict]

    private let consumer: QueueConsumer
    private let concurrency: Int
    private let visibilityTimeout: Duration
    private let drainTimeout: Duration
    private let onUnavailable: @Sendable (DaybookError) -> Void
    private let onDrain: @Sendable (Int) -> Void
    private let onSettled: @Sendable ([Settled]) async -> Void
    private let loop: SocketLoop

    /// A delivery that was handled, with the store's answer to its verdict.
    public struct Settled: Sendable {
        public let delivery: Delivery
        public let verdict: Settlement.Verdict
        public let outcome: Outcome

        /// The effect of a verdict, such as an acknowledgement.
        public enum Outcome: Sendable {
            /// The verdict took effect and is on disk.
            case confirmed
            /// The verdict came when the delivery no longer belonged to the worker: its visibility
            /// timeout had passed, or an earlier attempt took effect and its answer was lost.
            case late
            /// The store did not answer.
            case unknown
        }
    }

    private struct Running {
        let lease: UInt64
        var visibleAt: ContinuousClock.Instant
    }

    /// What is in hand, by sequence.
    private var running: [UInt64: Running] = [:]
    /// Received for the next batch.
    private var waiting: [Delivery] = []
    private var isHandlingBatches = false
    private var finished: [(delivery: Delivery, verdict: Settlement.Verdict)] = []
    private var isSettling = false
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var lastTask: UInt64 = 0
    private var waiter: CheckedContinuation<Void, Never>?

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - concurrency: so many deliveries are in hand at a time, at most.
    ///   - visibilityTimeout: a worker that dies keeps its deliveries from others for so long.
    ///   - drainTimeout: when cancelled, handlers have so long to end before they are cancelled.
    ///   - onUnavailable: told each time that the store does not answer, which is waited for.
    ///   - onDrain: told how many are in hand when no more are received, unless there are none.
    ///   - onSettled: called with the store's answer for each delivery that was handled.
    public init(
        _ consumer: QueueConsumer, concurrency: Int = 16,
        visibilityTimeout: Duration = .seconds(30), drainTimeout: Duration = .seconds(20),
        onUnavailable: @escaping @Sendable (DaybookError) -> Void = { _ in },
        onDrain: @escaping @Sendable (Int) -> Void = { _ in },
        onSettled: @escaping @Sendable ([Settled]) async -> Void = { _ in }
    ) {
        self.consumer = consumer
        self.concurrency = max(1, min(concurrency, ReceiveRequest.maximumCount))
        self.visibilityTimeout = visibilityTimeout
        self.drainTimeout = drainTimeout
        self.onUnavailable = onUnavailable
        self.onDrain = onDrain
        self.onSettled = onSettled
        loop = consumer.connection.loop
    }

    /// Works until cancelled; then returns when what was in hand is settled.
    ///
    /// - Throws: `CancellationError`, or what the bus refuses: there is no such queue.
    public func run(_ handler: @escaping Handler) async throws {
        try await work(atMost: concurrency) { worker, deliveries in
            for delivery in deliveries {
                worker.begin {
                    await worker.handle([delivery]) { [try await handler($0[0])] }
                }
            }
        }
    }

    /// The same, but in batches, one after the other: each is what has come while the one before it
    /// was handled. When the queue has nothing for a second, and nothing is in hand, the handler is
    /// given an empty one.
    public func run(batches handler: @escaping BatchHandler) async throws {
        // Half are received while the other half is handled.
        try await work(atMost: (concurrency + 1) / 2) { worker, deliveries in
            worker.waiting += deliveries
            guard !worker.isHandlingBatches else { return }
            worker.isHandlingBatches = true
            worker.begin { await worker.handleBatches(handler) }
        }
    }

    private typealias Take = @Sendable (isolated QueueWorker, [Delivery]) -> Void

    private func work(atMost maximum: Int, _ take: @escaping Take) async throws {
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.receive(atMost: maximum, take) }
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

    private func receive(atMost maximum: Int, _ take: Take) async throws {
        var token = EventID.random()
        while true {
            try Task.checkCancellation()
            guard hasRoom else {
                await wait { hasRoom }
                continue
            }
            do {
                let deliveries = try await consumer.receive(
                    min(concurrency - running.count, maximum), visibilityTimeout: visibilityTimeout,
                    token: token)
                token = .random()
                for delivery in deliveries {
                    running[delivery.sequence] = Running(
                        lease: delivery.lease, visibleAt: .now + visibilityTimeout)
                }
                take(self, deliveries)
            } catch let error as DaybookError where error.kind == .unavailable {
                if await consumer.connection.isClosed { throw error }
                onUnavailable(error)
            } catch let error as ProtocolError where error.code == .unavailable {
                // The bus is stopping, or waits for the log: it is asked again a little later.
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Few are not asked for: more at a time cost less.
    private var hasRoom: Bool { running.count * 2 <= concurrency }

    // MARK: Handling

    /// Not a child of the task that is cancelled when the process stops: what has begun ends.
    private func begin(_ body: @escaping @Sendable () async -> Void) {
        lastTask += 1
        let id = lastTask
        tasks[id] = Task(executorPreference: loop) {
            await body()
            await self.end(id)
        }
    }

    private func end(_ task: UInt64) {
        tasks[task] = nil
        wake()
    }

    private func handleBatches(_ handler: BatchHandler) async {
        repeat {
            let batch = waiting
            waiting = []
            await handle(batch, handler)
        } while !waiting.isEmpty
        isHandlingBatches = false
    }

    private func handle(_ deliveries: [Delivery], _ handler: BatchHandler) async {
        do {
            let verdicts = try await handler(deliveries)
            precondition(verdicts.count == deliveries.count, "each delivery has its verdict")
            for (delivery, verdict) in zip(deliveries, verdicts) { finish(delivery, verdict) }
        } catch is CancellationError where Task.isCancelled {
            // There was no time to end it: the queue gets it back.
            for delivery in deliveries { forget(delivery) }
        } catch {
            for delivery in deliveries { finish(delivery, .failed(error: "\(error)", delay: nil)) }
        }
    }

    private func finish(_ delivery: Delivery, _ verdict: Settlement.Verdict) {
        forget(delivery)
        finished.append((delivery, verdict))
        guard !isSettling else { return }
        isSettling = true
        begin { await self.settle() }
    }

    /// One that has been delivered again meanwhile is in hand anew.
    private func forget(_ delivery: Delivery) {
        if running[delivery.sequence]?.lease == delivery.lease { running[delivery.sequence] = nil }
        wake()
    }

    /// Returns when something has come to its end that may make the condition true, when it is, or
    /// when the task is cancelled.
    private func wait(for condition: () -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Looked at here: others may have had their turn while this task suspended.
                if condition() || Task.isCancelled {
                    continuation.resume()
                } else {
                    waiter = continuation
                }
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
        while !finished.isEmpty {
            let batch = finished
            finished = []
            let outcomes = await outcomes(of: batch)
            await onSettled(
                zip(batch, outcomes).map { finished, outcome in
                    Settled(
                        delivery: finished.delivery, verdict: finished.verdict, outcome: outcome)
                })
        }
        isSettling = false
    }

    private func outcomes(
        of batch: [(delivery: Delivery, verdict: Settlement.Verdict)]
    ) async -> [Settled.Outcome] {
        do {
            return try await consumer.settle(
                batch.map { delivery, verdict in
                    Settlement(sequence: delivery.sequence, lease: delivery.lease, verdict)
                }
            ).map { $0 ? .confirmed : .late }
        } catch {
            // The store redelivers these events when their visibility timeout has passed.
            return batch.map { _ in .unknown }
        }
    }

    /// Extends the visibility of deliveries that are still being handled.
    private func keepVisible() async throws {
        while true {
            // Three times before it has passed: one that fails does not matter.
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
            } catch let error as DaybookError where error.kind == .unavailable {
                onUnavailable(error)
            } catch let error as ProtocolError where error.code == .unavailable {
                // It is extended the next time, if it is not delivered again before.
            }
        }
    }

    private func drain() async {
        if !running.isEmpty { onDrain(running.count) }
        let deadline = Task(executorPreference: loop) {
            // Handlers have this much time.
            try await Task.sleep(for: self.drainTimeout)
            await self.cancelTasks()
        }
        while !tasks.isEmpty { await wait { tasks.isEmpty } }
        deadline.cancel()
        // What was not ended goes back, and what an answer that came too late brought.
        _ = try? await consumer.release(timeout: .seconds(2))
    }

    private func cancelTasks() { for task in tasks.values { task.cancel() } }
}

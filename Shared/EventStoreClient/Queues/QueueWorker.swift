public import EventSourcing
public import WireProtocol
public import ZeroMQ

/// Handles the deliveries of a queue concurrently, for as long as a process runs.
///
///     let worker = QueueWorker(try await client.consumer(of: "invoices"), concurrency: 8)
///     try await worker.run { delivery in
///         try await invoice(delivery.event)
///         return .acknowledged
///     }
///
/// A slow delivery stays with the worker: its visibility timeout is extended while its handler
/// runs. When the task is cancelled, the worker stops receiving. It finishes and acknowledges the
/// deliveries in hand. Unfinished ones go back to the queue.
public actor QueueWorker: LoopActor {
    /// Handles a delivery. If it throws, the queue gets the error and redelivers the event later.
    public typealias Handler = @Sendable (Delivery) async throws -> Acknowledgement.Verdict
    /// Handles deliveries together, and returns their verdicts in the same order.
    ///
    /// If it throws, the queue gets the error for each of them.
    public typealias BatchHandler = @Sendable ([Delivery]) async throws -> [Acknowledgement.Verdict]

    private let consumer: QueueConsumer
    private let concurrency: Int
    private let visibilityTimeout: Duration
    private let drainTimeout: Duration
    private let admit: @Sendable () async throws -> Int
    private let onUnavailable: @Sendable (any ClassifiedError) -> Void
    private let onDrain: @Sendable (Int) -> Void
    private let onReported: @Sendable ([Reported]) async -> Void
    /// The thread of the connection, on which the worker runs.
    public nonisolated let loop: SocketLoop

    /// A handled delivery, with the store's answer to its verdict.
    public struct Reported: Sendable {
        /// The delivery.
        public let delivery: Delivery
        /// The handler's verdict.
        public let verdict: Acknowledgement.Verdict
        /// The store's answer.
        public fileprivate(set) var outcome = Outcome.unknown

        /// The effect of a verdict, such as an acknowledgement.
        public enum Outcome: Sendable {
            /// The verdict took effect and is on disk.
            case confirmed
            /// The verdict came when the delivery no longer belonged to the worker: its visibility
            /// timeout had passed, or an earlier attempt took effect and the event store restarted
            /// before it answered.
            case late
            /// The store rejected the message with the verdict, for this reason.
            case rejected(String)
            /// The store did not answer.
            case unknown
        }
    }

    private struct Running {
        let lease: UInt64
        var visibleAt: ContinuousClock.Instant
    }

    /// The deliveries in hand by their places in the queue.
    private var running: [UInt64: Running] = [:]
    /// The deliveries for the next batch.
    private var waiting: [Delivery] = []
    private var isHandlingBatches = false
    private var finished: [Reported] = []
    private var isReporting = false
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var lastTask: UInt64 = 0
    private var waiter: CheckedContinuation<Void, Never>?

    /// Creates a worker of a consumer.
    ///
    /// - Parameters:
    ///   - concurrency: the maximum number of deliveries in hand, from 1 to 1000.
    ///   - visibilityTimeout: how long deliveries stay invisible to other consumers after the
    ///     worker crashes.
    ///   - drainTimeout: how long handlers may run after the worker is cancelled, before they are
    ///     cancelled, too.
    ///   - admit: called before each receive. Returns how many deliveries to ask for at most. It
    ///     may wait, and what it throws ends the worker.
    ///   - onUnavailable: called each time the store does not answer. The worker keeps waiting for
    ///     it.
    ///   - onDrain: called with the number of deliveries in hand when the worker stops receiving,
    ///     unless it is zero.
    ///   - onReported: called with the store's answer for each handled delivery.
    public init(
        _ consumer: QueueConsumer, concurrency: Int = 16,
        visibilityTimeout: Duration = .seconds(30), drainTimeout: Duration = .seconds(20),
        admit: @escaping @Sendable () async throws -> Int = { ReceiveRequest.maximumCount },
        onUnavailable: @escaping @Sendable (any ClassifiedError) -> Void = { _ in },
        onDrain: @escaping @Sendable (Int) -> Void = { _ in },
        onReported: @escaping @Sendable ([Reported]) async -> Void = { _ in }
    ) {
        self.consumer = consumer
        self.concurrency = max(1, min(concurrency, ReceiveRequest.maximumCount))
        self.visibilityTimeout = visibilityTimeout
        self.drainTimeout = drainTimeout
        self.admit = admit
        self.onUnavailable = onUnavailable
        self.onDrain = onDrain
        self.onReported = onReported
        loop = consumer.connection.loop
    }

    /// Handles deliveries until it is cancelled and the deliveries in hand are acknowledged or
    /// given back.
    ///
    /// - Throws: `CancellationError`, or `ProtocolError` if the queue does not exist.
    public func run(_ handler: @escaping Handler) async throws {
        try await work(atMost: concurrency) { worker, deliveries in
            for delivery in deliveries {
                worker.begin {
                    await worker.handle([delivery]) { [try await handler($0[0])] }
                }
            }
        }
    }

    /// Handles deliveries in batches, one after the other.
    ///
    /// Each batch is what has come while the one before it was handled. The handler gets an empty
    /// batch if the queue has no delivery for a second and none is in hand.
    ///
    /// - Throws: `CancellationError`, or `ProtocolError` if the queue does not exist.
    public func run(batches handler: @escaping BatchHandler) async throws {
        // The worker receives one half while it handles the other.
        try await work(atMost: (concurrency + 1) / 2) { worker, deliveries in
            worker.waiting += deliveries
            guard !worker.isHandlingBatches else { return }
            worker.isHandlingBatches = true
            worker.begin { await worker.handleBatches(handler) }
        }
    }

    private typealias Take = @Sendable (isolated QueueWorker, [Delivery]) -> Void

    private func work(atMost maximum: Int, _ take: @escaping Take) async throws {
        do {
            try await withThrowingTaskGroup { group in
                group.addTask { try await self.receive(atMost: maximum, take) }
                group.addTask { try await self.keepVisible() }
                for try await _ in group {}
            }
        } catch {
            // A new task, because the current one is cancelled and there are results to send.
            await Task(executorPreference: loop) { await self.drain() }.value
            throw error
        }
    }

    private func receive(atMost maximum: Int, _ take: Take) async throws -> Never {
        var token = EventID.random()
        while true {
            try Task.checkCancellation()
            guard hasRoom else {
                await wait { hasRoom }
                continue
            }
            let admitted = try await admit()
            do {
                let deliveries = try await consumer.receive(
                    max(1, min(concurrency - running.count, maximum, admitted)),
                    visibilityTimeout: visibilityTimeout, token: token)
                token = .random()
                for delivery in deliveries {
                    running[delivery.sequence] = Running(
                        lease: delivery.lease, visibleAt: .now + visibilityTimeout)
                }
                take(self, deliveries)
            } catch let error as any ClassifiedError where error.isTemporary {
                if await consumer.connection.isClosed { throw error }
                note(error)
                // The store does not say when it is ready.
                try await Task.sleep(for: retryPause)
            }
        }
    }

    /// Whether to receive more. It waits for room for many, because a receive of many costs less.
    private var hasRoom: Bool { running.count * 2 <= concurrency }

    // MARK: Handling

    /// Runs a handler in a task that is not cancelled when the process stops, so that it can
    /// finish.
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
            precondition(verdicts.count == deliveries.count, "return one verdict per delivery")
            for (delivery, verdict) in zip(deliveries, verdicts) { finish(delivery, verdict) }
        } catch is CancellationError where Task.isCancelled {
            // The handler did not finish in time. The deliveries stay in hand, to be returned.
        } catch {
            for delivery in deliveries { finish(delivery, .failed(error: "\(error)", delay: nil)) }
        }
    }

    private func finish(_ delivery: Delivery, _ verdict: Acknowledgement.Verdict) {
        forget(delivery)
        finished.append(Reported(delivery: delivery, verdict: verdict))
        guard !isReporting else { return }
        isReporting = true
        begin { await self.report() }
    }

    /// Forgets a delivery, unless the same event was redelivered with another lease.
    private func forget(_ delivery: Delivery) {
        if running[delivery.sequence]?.lease == delivery.lease { running[delivery.sequence] = nil }
        wake()
    }

    /// Returns when the condition is true, when a task has ended, or when the current task is
    /// cancelled.
    private func wait(for condition: () -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Checked here, because other tasks may have run while this one was suspended.
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

    /// Sends all finished verdicts together, and repeats this for those that come meanwhile.
    private func report() async {
        while !finished.isEmpty {
            var batch = finished
            finished = []
            let verdicts = batch.map { done in
                Acknowledgement(
                    sequence: done.delivery.sequence, lease: done.delivery.lease, done.verdict)
            }
            for (index, outcome) in zip(batch.indices, await outcomes(of: verdicts)) {
                batch[index].outcome = outcome
            }
            await onReported(batch)
        }
        isReporting = false
    }

    /// Sends verdicts until the store answers, because the work is done and the deliveries may
    /// still belong to the worker when the store is back. Gives up when the worker must stop.
    private func outcomes(of verdicts: [Acknowledgement]) async -> [Reported.Outcome] {
        while true {
            do {
                return try await consumer.acknowledge(verdicts).map { $0 ? .confirmed : .late }
            } catch let error as any ClassifiedError where error.isTemporary {
                guard await !consumer.connection.isClosed else { break }
                note(error)
                // The store does not say when it is ready.
                do { try await Task.sleep(for: retryPause) } catch { break }
            } catch let error as ProtocolError {
                return verdicts.map { _ in .rejected(error.message) }
            } catch {
                break
            }
        }
        return verdicts.map { _ in .unknown }
    }

    /// Extends the visibility of deliveries that are still being handled.
    private func keepVisible() async throws -> Never {
        while true {
            // An extension is due after a third of the timeout. So one may fail, even if it takes
            // a third to do so.
            let third = visibilityTimeout / 3
            try await Task.sleep(for: third / 2)
            let extended = ContinuousClock.now + visibilityTimeout
            let due = running.filter { $0.value.visibleAt < extended - third }
            guard !due.isEmpty else { continue }
            do {
                try await consumer.acknowledge(
                    acknowledgements(of: due, .extended(visibilityTimeout)), timeout: third)
                for (sequence, delivery) in due where running[sequence]?.lease == delivery.lease {
                    running[sequence]?.visibleAt = extended
                }
            } catch let error as any ClassifiedError where error.isTemporary {
                note(error)
            }
        }
    }

    private func acknowledgements(
        of deliveries: [UInt64: Running], _ verdict: Acknowledgement.Verdict
    ) -> [Acknowledgement] {
        deliveries.map { Acknowledgement(sequence: $0, lease: $1.lease, verdict) }
    }

    /// Reports a store that does not answer. One that answers that it is busy or is stopping is not
    /// worth a report.
    private func note(_ error: any ClassifiedError) {
        if !(error is ProtocolError) { onUnavailable(error) }
    }

    private func drain() async {
        if !running.isEmpty { onDrain(running.count) }
        let extending = Task(executorPreference: loop) { try await self.keepVisible() }
        let deadline = Task(executorPreference: loop) {
            // The time that running handlers get.
            try await Task.sleep(for: self.drainTimeout)
            await self.cancelTasks()
        }
        while !tasks.isEmpty { await wait { tasks.isEmpty } }
        deadline.cancel()
        extending.cancel()
        if !running.isEmpty {
            _ = try? await consumer.acknowledge(
                acknowledgements(of: running, .returned), timeout: .seconds(2))
        }
        // Releases the deliveries in an answer that came too late.
        _ = try? await consumer.release(timeout: .seconds(2))
    }

    private func cancelTasks() { for task in tasks.values { task.cancel() } }
}

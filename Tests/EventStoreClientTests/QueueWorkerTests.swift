import CallServer
import EventSourcing
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@testable import EventStoreClient

/// How a worker reports a verdict to a bus that makes one delivery. Other tests of workers are in
/// `ParticipantRunnerTests+queue` and `QueueWorkCommandTests`.
@Suite(.timeLimit(.minutes(10))) struct `Verdicts of a queue worker` {
    private final class Counter: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock(\.self) }

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    /// Runs a worker until it has reported its verdict.
    ///
    /// - Parameter answer: the bus's answer to the verdict, for the number of the attempt, from 1.
    /// - Returns: the outcome that the worker reports, and the number of attempts.
    private func run(
        _ answer: @escaping @Sendable (Int) throws -> [UInt8]
    ) async throws -> (outcome: QueueWorker.Reported.Outcome?, attempts: Int) {
        let attempts = Counter()
        let (reports, report) = AsyncStream.makeStream(of: QueueWorker.Reported.self)
        var outcome: QueueWorker.Reported.Outcome?
        try await withConsumer { _ in
            Data(try answer(attempts.next()))
        } body: { consumer in
            let worker = QueueWorker(
                consumer, onReported: { for reported in $0 { report.yield(reported) } })
            let running = Task { try await worker.run { _ in .acknowledged } }
            outcome = await reports.first { _ in true }?.outcome
            running.cancel()
            _ = await running.result
        }
        return (outcome, attempts.value)
    }

    /// Passes a consumer that gets one delivery.
    ///
    /// - Parameter answer: the bus's answer to verdicts.
    private func withConsumer(
        _ answer: @escaping @Sendable ([Acknowledgement]) throws -> Data,
        body: (QueueConsumer) async throws -> Void
    ) async throws {
        let context = try Context()
        let bus = try await CallServer(
            service: "event-store", log: .random(), endpoint: "inproc://bus",
            on: SocketLoop(name: "bus"), in: context,
            logger: Logger(label: "bus") { _ in SwiftLogNoOpLogHandler() })
        let time = Timestamp(microseconds: 1)
        let delivery = Delivery(
            event: try record(at: 1, stream: "s-1", type: "T", data: "{}"), rule: "r", replay: nil,
            receiveCount: 1, enqueuedAt: time, firstReceivedAt: time, sequence: 1, lease: 1)
        let receives = Counter()
        await bus.handle(BusCall.receive) { _, _ in
            if receives.next() == 1 { return Data(try Delivery.frame([delivery])) }
            try await lookAgainSoon()
            return Data(try Delivery.frame([]))
        }
        await bus.handle(BusCall.acknowledge) { frame, _ in
            try answer(Acknowledgement.read(Array(frame)).acknowledgements)
        }
        await bus.handle(BusCall.release) { _, _ in Data("0".utf8) }
        let serving = Task { try await bus.run() }
        let consumer = QueueConsumer(
            queue: "q", name: "c",
            connection: try await RequestClient(
                endpoint: "inproc://bus", to: "event-store", on: SocketLoop(name: "client"),
                in: context))
        try await body(consumer)
        await consumer.close()
        serving.cancel()
        _ = await serving.result
    }

    @Test func `Worker repeats a verdict until the bus can take it`() async throws {
        let (outcome, attempts) = try await run { attempt in
            guard attempt == 3 else { throw ProtocolError(.unavailable, "the bus is stopping") }
            return [1]
        }
        guard case .confirmed? = outcome else {
            Issue.record("the outcome is \(String(describing: outcome))")
            return
        }
        #expect(attempts == 3)
    }

    @Test func `Worker does not repeat a verdict that the bus rejects or that comes too late`()
        async throws
    {
        let rejected = try await run { _ in throw ProtocolError(.invalid, "no such verdict") }
        guard case .rejected("no such verdict")? = rejected.outcome, rejected.attempts == 1 else {
            Issue.record("the outcome is \(rejected)")
            return
        }
        let late = try await run { _ in [0] }
        guard case .late? = late.outcome, late.attempts == 1 else {
            Issue.record("the outcome is \(late)")
            return
        }
    }

    @Test func `Worker keeps a slow delivery while the bus is overloaded, and returns it at last`()
        async throws
    {
        let (verdicts, verdict) = AsyncStream.makeStream(of: Acknowledgement.Verdict.self)
        let attempts = Counter()
        var seen: [Acknowledgement.Verdict] = []
        try await withConsumer { acknowledgements in
            for one in acknowledgements { verdict.yield(one.verdict) }
            // The first two extensions fail, as far as the worker knows.
            guard attempts.next() > 2 else { throw ProtocolError(.overloaded, "too much to do") }
            return Data(acknowledgements.map { _ in 1 })
        } body: { consumer in
            let worker = QueueWorker(
                consumer, visibilityTimeout: .milliseconds(300), drainTimeout: .milliseconds(1))
            let running = Task {
                try await worker.run { _ in
                    // Until the worker stops.
                    try await Task.sleep(for: .seconds(3600))
                    return .acknowledged
                }
            }
            for await verdict in verdicts {
                seen.append(verdict)
                if seen.count == 4 { break }
            }
            running.cancel()
            _ = await running.result
            if let last = await verdicts.first(where: { !$0.isExtension }) { seen.append(last) }
        }
        for verdict in seen.dropLast() { #expect(verdict.isExtension) }
        #expect(seen.last == .returned)
    }
}

extension Acknowledgement.Verdict {
    fileprivate var isExtension: Bool { if case .extended = self { true } else { false } }
}

import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// The positions that a version of a service has handled, in the order in which it did.
private actor Handled {
    private(set) var positions: [UInt64] = []
    private(set) var replayed = 0

    func handle(_ delivery: Delivery) -> Acknowledgement.Verdict {
        positions.append(delivery.event.position)
        if delivery.replay != nil { replayed += 1 }
        return .acknowledged
    }
}

/// Follows the steps of docs/replay.md.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Handover to a new service version` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient

    init() async throws {
        suite = try Suite()
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    /// Handles the deliveries of a queue until it is cancelled.
    private func worker(_ queue: String, _ handled: Handled) async throws -> Task<Void, any Error> {
        let consumer = try await store.consumer(of: queue)
        return Task {
            try await QueueWorker(consumer).run { await handled.handle($0) }
        }
    }

    private func orders() async throws -> [UInt64] {
        var positions: [UInt64] = []
        for try await event in store.read(ReadRequest(.categories(["order"]))).events {
            positions.append(event.position)
        }
        return positions
    }

    /// Waits until the version has handled every order.
    private func waitForAll(_ handled: Handled) async throws {
        let orders = try await orders().count
        while await handled.positions.count < orders { try await lookAgainSoon() }
    }

    @Test func `New version handles each event once while events keep arriving`() async throws {
        let pattern = #"{"category": ["order"]}"#
        try suite.bus("queues", "create", "billing", "--grouping", "stream")
        try suite.bus(
            "rules", "put", "to-billing", "--pattern", pattern, "--target", "billing")
        let store = store
        let appending = Task {
            var number = 0
            while !Task.isCancelled {
                let event = NewEvent(
                    stream: try StreamName("order-\(number % 7)"), type: "OrderPlaced",
                    data: Array("\(number)".utf8))
                let other = NewEvent(
                    stream: try StreamName("other-1"), type: "Other", data: [])
                _ = try await store.append([event, other])
                number += 1
            }
        }
        let (old, new) = (Handled(), Handled())
        let oldWorker = try await worker("billing", old)
        while await old.positions.count < 300 { try await lookAgainSoon() }

        // The new version handles all earlier events while the old version still runs.
        let end = try #require(
            try suite.bus(
                ReplayView.self, "replays", "start", "billing-2", "--from-log", "--pattern",
                pattern, "--to-queue", "billing-2", "--wait"
            ).first)
        #expect(end.state == .completed && end.delivered >= 300)
        let newWorker = try await worker("billing-2", new)

        // Its queue then receives the events since the replay and all later events.
        while try await orders().count == Int(end.delivered) { try await lookAgainSoon() }
        try suite.bus("queues", "change", "billing-2", "--start", "position:\(end.last + 1)")
        try suite.bus(
            "rules", "put", "to-billing-2", "--pattern", pattern, "--target", "billing-2")
        try await suite.wait(for: BusCall.queues, as: [QueueView].self) {
            $0.queue.name == "billing-2" && !$0.isFilling
        }

        // The old version stops once the new queue has caught up.
        try suite.bus("rules", "delete", "to-billing")
        oldWorker.cancel()
        _ = await oldWorker.result
        try suite.bus("queues", "delete", "billing", "--yes")

        let handledThen = await new.positions.count
        while await new.positions.count < handledThen + 100 { try await lookAgainSoon() }
        appending.cancel()
        _ = await appending.result
        try await waitForAll(new)
        newWorker.cancel()
        _ = await newWorker.result
        #expect(await new.replayed == Int(end.delivered))
        #expect(await new.positions.sorted() == (try await orders()))
        await store.close()
    }

    @Test func `Queue's start cannot change once a rule targets the queue`() async throws {
        try suite.makeQueue("q")
        let failure = try suite.failure(65, "queues", "change", "q", "--start", "position:1")
        #expect(failure.contains("has grouping correlation and start end, which"), "\(failure)")
        await store.close()
    }
}

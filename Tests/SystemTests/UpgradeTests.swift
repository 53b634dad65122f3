import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import IntegrationHarness
import Observability
import TestSupport
import Testing
import WireProtocol

/// The current version resumes a suite whose processes were all killed at commit c4c5307, the last
/// one without a journal of the bus. `Samples/make-suite` made the sample.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Upgrade from commit c4c5307` {
    @Test func `Event store resumes queues with receive counts, delays and dead letters`()
        async throws
    {
        let suite = try Suite(sample: "suite-c4c5307")
        try suite.start("event-store", ["--rules", Suite.rules])
        let bus = try await suite.client(of: "bus")
        let queues = try await suite.queues(bus)
        #expect(
            Set(queues.values.filter(\.isPaused).map(\.queue.name))
                == ["halted", "route", "balance", "creditLimit", "orders"])
        for (queue, deadLetters) in ["work": 1, "route": 1, "halted": 0] {
            #expect(queues[queue]?.deadLetters == deadLetters, "\(queue)")
        }
        // The rest of the dead letter's group waits. The event that failed twice is delayed for
        // hours.
        let work = try #require(queues["work"])
        #expect(work.waitingBehindDead == 1 && work.delayed == 1, "\(work)")

        let store = try await suite.eventStore()
        let consumer = try await store.consumer(of: "work")
        // Commit c4c5307 kept leases in memory only: both events are redelivered, with their
        // counts.
        var deliveries = try await consumer.take(2)
        #expect(deliveries.receiveCounts == ["job-leased@0": 1, "job-tried@0": 2])
        // Leases now survive a crash, even without the cache that the upgrade began with.
        suite.kill("event-store")
        try FileManager.default.removeItem(atPath: "\(suite.home)/bus")
        try suite.start("event-store", ["--rules", Suite.rules])
        // The first receive must not time out while the bus is rebuilt.
        try await suite.client(of: "bus").close()
        #expect(try await consumer.receive(10, wait: .zero).isEmpty)
        try await consumer.acknowledge(deliveries)
        deliveries = try await consumer.take(2)
        #expect(deliveries.receiveCounts == ["job-leased@1": 1, "job-tried@1": 1])
        try await consumer.acknowledge(deliveries)
        try suite.succeed("event-store", "dlq", "redrive", "--queue", "work")
        for event in ["job-dead@0", "job-dead@1"] {
            deliveries = try await consumer.take(1)
            #expect(deliveries.receiveCounts == [event: 1])
            try await consumer.acknowledge(deliveries)
        }
        #expect(try await suite.queues(bus)["work"]?.delayed == 1)
        await consumer.close()
        await bus.close()
        await store.close()
        try suite.endEventStore()
    }

    @Test func `Event store delivers the events of a paused queue and of a deleted one`()
        async throws
    {
        let suite = try Suite(sample: "suite-c4c5307")
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.succeed("event-store", "queues", "resume", "halted")
        let store = try await suite.eventStore()
        var consumer = try await store.consumer(of: "halted")
        for revision in 0...1 {
            let deliveries = try await consumer.take(4)
            let expected = ["dead", "leased", "tried", "waiting"].map { "job-\($0)@\(revision)" }
            #expect(Set(deliveries.receiveCounts.keys) == Set(expected))
            try await consumer.acknowledge(deliveries)
        }
        await consumer.close()

        let bus = try await suite.client(of: "bus")
        let letters: [DeadLetterView] = try await bus.query(
            BusCall.deadLetters, DeadLettersRequest(DeadLetterSelection(queue: "lost")))
        #expect(letters.map(\.letter.cause) == [.targetNotFound])
        try suite.succeed("event-store", "queues", "create", "lost", "--grouping", "stream")
        try suite.succeed("event-store", "dlq", "redrive", "--queue", "lost")
        consumer = try await store.consumer(of: "lost")
        #expect(try await consumer.take(1).receiveCounts == ["stray-1@0": 1])
        await consumer.close()
        await bus.close()
        await store.close()
        try suite.endEventStore()
    }

    @Test func `Event store resumes a replay and enqueues no event twice`() async throws {
        let suite = try Suite(sample: "suite-c4c5307")
        try suite.start("event-store", ["--rules", Suite.rules])
        let store = try await suite.eventStore()
        let consumer = try await store.consumer(of: "again")
        var replayed: [String?: Swift.Set<String>] = [:]
        for _ in 0..<16 {
            let deliveries = try await consumer.take(1)
            replayed[deliveries.first?.replay, default: []].formUnion(deliveries.receiveCounts.keys)
            try await consumer.acknowledge(deliveries)
        }
        #expect(replayed["ended"]?.count == 8 && replayed["ended"] == replayed["halfway"])
        await consumer.close()
        let bus = try await suite.client(of: "bus")
        var replays: [ReplayView] = []
        while replays.count(where: { $0.state == .completed }) < 2 {
            replays = try await bus.query(BusCall.replays, Nothing())
        }
        #expect(replays.allSatisfy { $0.delivered == 8 }, "\(replays)")
        #expect(try await suite.queues(bus)["again"]?.depth == 0)
        try suite.succeed("event-store", "archives", "verify", "all")
        await bus.close()
        await store.close()
        try suite.endEventStore()
    }

    @Test func `Every open saga of the upgraded suite ends`() async throws {
        let suite = try Suite(sample: "suite-c4c5307")
        try await suite.startAll()
        let before: [String: OrderView.Status] = [
            "done": .confirmed, "undone": .cancelled, "cancelled": .cancelled, "denied": .rejected,
            "unroutable": .rejected, "uncaptured": .confirmed,
        ]
        let client = try await suite.client(of: "orders")
        for (order, status) in before {
            let view = try await client.query("order", order, as: OrderView.self)
            #expect(view.status == status, "\(order)")
        }
        await client.close()

        for queue in ["route", "balance", "creditLimit", "orders"] {
            try suite.succeed("event-store", "queues", "resume", queue)
        }
        for order in ["leased", "unlimited", "unfunded", "unplanned"] {
            #expect(try await suite.ended(order).status == .confirmed, "\(order)")
        }
        #expect(try await suite.ended("late").reason == .deadlinePassed)
        #expect(try await suite.ended("refused").reason == .routeRejected)
        try suite.succeed("event-store", "dlq", "redrive", "--queue", "route")
        #expect(try await suite.ended("dead").status == .confirmed)
        for (order, consequence) in [
            ("uncaptured", "PaymentCaptured"), ("cancelled", "PaymentRefunded"),
            ("late", "RouteCancelled"), ("dead", "RouteConfirmed"),
        ] {
            _ = try await suite.event(
                matching: EventQuery([.init(types: [consequence], tags: [Tag.order(order)])]))
        }
        // The remaining dead letters belong to no order.
        try suite.succeed("event-store", "dlq", "discard", "--all", "--reason", "of no order")
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")

        try await suite.place("new", of: "ann", price: 1000)
        #expect(try await suite.ended("new").status == .confirmed)
        for service in Suite.services {
            #expect(suite.terminate(service) == 0, "\(service): \(suite.log(of: service))")
        }
        try suite.endEventStore()
    }
}

extension Suite {
    /// Unpacks a sample into the home folder, and moves the times in its queues to the present:
    /// otherwise its events would expire a year after the sample was made.
    fileprivate convenience init(sample: String) throws {
        try self.init()
        workingFolder = URL(filePath: home)
        // Earlier versions had no roots for archives.
        environment["DAYBOOK_ARCHIVE_ROOTS"] = home
        let samples = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Samples")
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/env")
        tar.arguments = [
            "tar", "-xzf", samples.appending(path: "\(sample).tar.gz").path, "-C", home,
        ]
        try Spawning.alone { try tar.run() }
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        let database = try DatabaseQueue(path: "\(home)/bus/bus.sqlite")
        try database.write { db in
            let latest = try Int64.fetchOne(db, sql: "SELECT MAX(enqueuedAt) FROM entry")
            let shift = Timestamp.now().microseconds - (try #require(latest))
            try db.execute(
                sql: """
                    UPDATE entry SET enqueuedAt = enqueuedAt + :shift,
                    firstReceivedAt = firstReceivedAt + :shift, notBefore = notBefore + :shift
                    """, arguments: ["shift": shift])
        }
        try database.close()
    }

    fileprivate func queues(_ bus: ServiceClient) async throws -> [String: QueueView] {
        let views: [QueueView] = try await bus.query(BusCall.queues, Nothing())
        return Dictionary(uniqueKeysWithValues: views.map { ($0.queue.name, $0) })
    }

    /// Stops the event store and verifies its log.
    fileprivate func endEventStore() throws {
        #expect(terminate("event-store") == 0, "\(log(of: "event-store"))")
        try succeed("event-store", "verify", "--chain")
    }
}

extension QueueConsumer {
    /// Waits for `count` deliveries and returns them.
    fileprivate func take(_ count: Int) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count {
            deliveries += try await receive(count - deliveries.count)
        }
        return deliveries
    }

    fileprivate func acknowledge(_ deliveries: [Delivery]) async throws {
        let results = try await acknowledge(
            deliveries.map {
                Acknowledgement(sequence: $0.sequence, lease: $0.lease, .acknowledged)
            })
        #expect(results.allSatisfy { $0 })
    }
}

extension [Delivery] {
    /// The receive counts by stream and revision.
    fileprivate var receiveCounts: [String: Int] {
        Dictionary(
            uniqueKeysWithValues: map {
                ("\($0.event.stream)@\($0.event.revision)", $0.receiveCount)
            })
    }
}

import EventSourcing
import EventStoreClient
import TestSupport
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct Subscriptions {
    /// Takes batches until they have at least `count` events.
    private func take(_ count: Int, of subscription: Subscription) async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        while events.count < count { events += try await subscription.next().events }
        return events
    }

    /// Takes batches until they cover every matching event up to `position`.
    private static func take(
        through position: UInt64, of subscription: Subscription
    ) async throws -> [UInt64] {
        var positions: [UInt64] = []
        var through: UInt64 = 0
        for try await batch in subscription {
            #expect(batch.through > through)
            through = batch.through
            positions += batch.events.map(\.position)
            #expect(positions.last ?? 0 <= through)
            if through >= position { break }
        }
        return positions
    }

    static let faults: [FeedFaults] =
        [
            FeedFaults(), FeedFaults(dropped: 3), FeedFaults(repeated: 3), FeedFaults(reordered: 3),
        ] + (1...4).map { FeedFaults(dropped: 2, repeated: 2, reordered: 2, seed: $0) }

    private static func queries() throws -> [EventQuery] {
        [
            .all, .categories(["a"]), .categories(["a", "b"]), .types(["Odd"]), .tags(["fifth:1"]),
            .categories(["a", "$amendment"]), .categories(["$amendment"]),
            .stream(try StreamName("b-1")),
            EventQuery([.init(categories: ["c"], types: ["Odd"], tags: ["fifth:1"])]),
            EventQuery([.init(categories: ["a"], types: ["Odd"]), .init(tags: ["fifth:1"])]),
        ]
    }

    @Test(arguments: faults)
    func `Subscription gets each event once and in order over a faulty feed`(
        faults: FeedFaults
    ) async throws {
        let store = try await Store(faults: faults)
        let (writer, reader) = (try await store.client(), try await store.client())
        var random = SplitMix(state: faults.seed)
        let events = try (1...900).map { number in
            let category = try #require(["a", "b", "c"].randomElement(using: &random))
            return try event(
                number, category: number > 300 && number % 70 == 0 ? "$amendment" : category,
                type: number % 2 == 0 ? "Even" : "Odd", tags: number % 5 == 0 ? ["fifth:1"] : [])
        }
        func append(_ event: NewEvent) async throws {
            if event.stream.category == "$amendment" {
                try await store.appendOwn(event)
            } else {
                _ = try await writer.append([event])
            }
        }
        _ = try await writer.append(Array(events[..<300]))
        try await withThrowingTaskGroup(of: (EventQuery, [UInt64]).self) { group in
            func follow(after position: UInt64) async throws {
                for query in try Self.queries() {
                    let subscription = try await reader.subscribe(query, after: position)
                    group.addTask {
                        (query, try await Self.take(through: 900, of: subscription))
                    }
                }
            }
            try await follow(after: 0)
            for event in events[300..<600] { try await append(event) }
            // Subscriptions that start later get the same events.
            try await follow(after: 0)
            for event in events[600...] { try await append(event) }
            var log: [RecordedEvent] = []
            for try await event in writer.read(ReadRequest()).events { log.append(event) }
            for try await (query, positions) in group {
                #expect(positions == log.filter(query.matches).map(\.position), "\(query)")
            }
        }
        await writer.close()
        await reader.close()
    }

    @Test func `Checkpoint moves past events that do not match`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe(.categories(["b"]))
        for number in 1...60 {
            _ = try await client.append([event(number, category: number % 3 == 0 ? "b" : "a")])
        }
        _ = try await client.append([event(61, category: "a")])
        let positions = try await Self.take(through: 61, of: subscription)
        #expect(positions == (1...20).map { UInt64(3 * $0) })
        await client.close()
    }

    @Test func `Subscription from the end delivers only later events`() async throws {
        let store = try await Store()
        let client = try await store.client()
        _ = try await client.append(try (1...10).map { try event($0) })
        let subscriptions = [
            try await client.subscribe(after: .end),
            try await client.subscribe(.categories(["s"]), after: .end),
        ]
        _ = try await client.append([event(11)])
        for subscription in subscriptions {
            #expect(try await take(1, of: subscription).map(\.position) == [11])
        }
        await client.close()
    }

    @Test(arguments: [EventQuery.all, .categories(["s"])])
    func `Subscription continues after the store restarts`(query: EventQuery) async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe(query)
        for number in 1...3 {
            _ = try await client.append([event(number)])
            #expect(try await take(1, of: subscription).map(\.position) == [UInt64(number)])
            await store.stop()
            try await store.start()
        }
        await client.close()
    }

    @Test(arguments: [EventQuery.all, .categories(["s"])])
    func `Subscription with a slow consumer misses no event`(query: EventQuery) async throws {
        let store = try await Store()
        let (writer, reader) = (try await store.client(), try await store.client())
        let subscription = try await reader.subscribe(query)
        _ = try await writer.append([event(1)])
        #expect(try await take(1, of: subscription).map(\.position) == [1])
        // These are far more events than the sockets can buffer.
        for first in stride(from: 2, to: 20_002, by: 1000) {
            _ = try await writer.append(try (first..<first + 1000).map { try event($0) })
        }
        let positions = try await Self.take(through: 20_001, of: subscription)
        #expect(positions == (2...20_001).map { UInt64($0) })
        await writer.close()
        await reader.close()
    }

    @Test func `Cancelled subscription throws CancellationError and can be resumed`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe()
        let waiting = Task { for try await _ in subscription {} }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        _ = try await client.append([event(1)])
        #expect(try await take(1, of: subscription).map(\.position) == [1])
        await client.close()
    }

    @Test func `A position of one log can't be followed in another`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let log = try await client.welcome().log
        _ = try await client.append([event(1)])
        let same = try await client.subscribe(after: 0, in: log)
        #expect(try await take(1, of: same).map(\.position) == [1])
        let other = EventID.random()
        let error = await #expect(throws: DaybookError.self) {
            _ = try await client.subscribe(after: 0, in: other)
        }
        #expect(error?.kind == .internal)
        #expect(error?.description.contains("has log \(log), not log \(other)") == true)
        await client.close()
    }

    @Test func `Subscription of a closed client is unavailable`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe()
        await client.close()
        await #expect { for try await _ in subscription {} } throws: {
            DaybookError.Kind(of: $0) == .unavailable
        }
    }
}

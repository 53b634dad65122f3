import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Groups of a log in the same process` {
    private func append(_ numbers: ClosedRange<Int>, bytes: Int = 10, to client: EventStoreClient)
        async throws
    {
        for number in numbers {
            let event = NewEvent(
                id: EventID(high: 1, low: UInt64(number)), stream: try StreamName("s-1"),
                type: "T", data: Array(repeating: UInt8(ascii: "x"), count: bytes))
            _ = try await client.append([event])
        }
    }

    private func positions(
        through position: UInt64, of subscription: Subscription
    ) async throws -> [UInt64] {
        var positions: [UInt64] = []
        for try await batch in subscription {
            positions += batch.events.map(\.position)
            if batch.through >= position { break }
        }
        return positions
    }

    @Test func `Subscription gets the log's events and then those of the groups, each once`()
        async throws
    {
        let store = try await Store()
        let client = try await store.client()
        try await append(1...10, to: client)
        let subscription = try await client.subscribe(to: store.groups, after: 3)
        try await append(11...20, to: client)
        #expect(try await positions(through: 20, of: subscription) == Array(4...20))
        async let later = positions(through: 40, of: subscription)
        try await append(21...40, to: client)
        #expect(try await later == Array(21...40))
        await client.close()
    }

    @Test func `Subscription that is far behind reads the dropped groups from the log`()
        async throws
    {
        let store = try await Store()
        let client = try await store.client()
        try await append(1...1, to: client)
        let subscription = try await client.subscribe(to: store.groups, after: 0)
        #expect(try await positions(through: 1, of: subscription) == [1])
        // The last groups of more than 16 MiB are dropped, too, and none follows them.
        try await append(2...180, bytes: 100_000, to: client)
        #expect(try await positions(through: 180, of: subscription) == Array(2...180))
        try await append(181...182, to: client)
        #expect(try await positions(through: 182, of: subscription) == [181, 182])
        await client.close()
    }

    @Test func `Waiting subscription ends when its task is cancelled`() async throws {
        let store = try await Store()
        let client = try await store.client()
        try await append(1...1, to: client)
        let subscription = try await client.subscribe(to: store.groups, after: 0)
        let task = Task { try await positions(through: 2, of: subscription) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await client.close()
    }
}

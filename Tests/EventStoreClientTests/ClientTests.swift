import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Event store client` {
    @Test func `Client reads the events it appended and finds them by id`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let appended = try await client.append(try (1...700).map { try event($0) })
        #expect(appended.first == 1 && appended.last == 700)
        var seen: [UInt64] = []
        let end = try await client.read(ReadRequest(.all, from: 1)) {
            seen += $0.map(\.position)
        }
        #expect(seen == (1...700).map { UInt64($0) })
        #expect(end == 700)
        #expect(try await client.event(id: EventID(high: 1, low: 650))?.position == 650)
        #expect(try await client.event(id: EventID(high: 9, low: 9)) == nil)
        await client.close()
    }

    @Test func `Head's hash changes with each append and survives a restart`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let empty = try await client.head()
        #expect(empty.position == 0 && empty.time == nil && empty.hash.count == 64)
        var hashes = [empty.hash]
        for first in stride(from: 1, through: 6000, by: 1000) {
            let appended = try await client.append(
                try (first..<first + 1000).map { try event($0) })
            let head = try await client.head()
            #expect(head.log == empty.log && head.position == appended.last)
            #expect(head.time == appended.time)
            hashes.append(head.hash)
        }
        #expect(Set(hashes).count == 7)
        await store.stop()
        try await store.start()
        #expect(try await client.head().hash == hashes.last)
        await client.close()
    }

    @Test func `Append that waits for a stopped store takes effect once`() async throws {
        let store = try await Store()
        let client = try await store.client()
        _ = try await client.append([event(1)])
        await store.stop()
        let new = try event(2)
        async let appended = client.append([new])
        try await store.start()
        #expect(try await appended.first == 2)
        #expect(try await client.append([event(2)]).isRepeat)
        #expect(try await client.welcome().head == 2)
        await client.close()
    }

    @Test func `Append whose answer is lost is retried and takes effect once`() async throws {
        let store = try await Store(isProxied: true)
        let (client, proxy) = (try await store.client(), try #require(store.proxy))
        await proxy.lose(.appended)
        let appended = try await client.append([event(1), event(2)])
        #expect(appended.isRepeat && appended.first == 1 && appended.last == 2)
        let requests = try #require(await proxy.messages[.append])
        // A slow answer leads to more requests. They differ only in the request id, so the store
        // recognizes the events by their ids.
        #expect(requests.count >= 2)
        #expect(Set(requests.map { $0.dropFirst() }).count == 1)
        #expect(try await client.welcome().head == 2)
        await client.close()
    }

    @Test func `Concurrent appends share a message, which is retried if its answer is lost`()
        async throws
    {
        let store = try await Store(isProxied: true)
        let (client, proxy) = (try await store.client(), try #require(store.proxy))
        await proxy.lose(.appendedMany)
        let stream = try StreamName("s-1")
        // Of the appends that require a new stream, one succeeds.
        let positions = await withTaskGroup(of: UInt64?.self) { group in
            for number in 1...50 {
                group.addTask(executorPreference: store.clientLoop) {
                    let condition: AppendCondition =
                        number <= 10 ? .stream(stream, .noStream) : .any
                    return try? await client.append([event(number)], condition).last
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let head = try await client.welcome().head
        #expect(positions.compactMap { $0 }.sorted() == Array(1...head))
        #expect(head == 40 || head == 41)
        // The message whose answer was lost was sent again unchanged.
        let sent = try #require(await proxy.messages[.appendMany]).map { $0.dropFirst() }
        #expect(Set(sent).count < sent.count)
        await client.close()
    }

    @Test func `Cancelled append throws CancellationError`() async throws {
        let store = try await Store()
        await store.stop()
        let client = try await store.client()
        let task = Task { try await client.append([event(1)], timeout: .seconds(600)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        await client.close()
    }

    @Test func `Client throws Unavailable if the store does not answer`() async throws {
        let store = try await Store()
        await store.stop()
        let client = try await store.client()
        await #expect {
            _ = try await client.welcome(timeout: .milliseconds(50))
        } throws: { DaybookError.Kind(of: $0) == .unavailable }
        await client.close()
    }

    @Test func `Rejected append throws the store's error`() async throws {
        let store = try await Store()
        let client = try await store.client()
        do {
            let stream = try StreamName("s-1")
            _ = try await client.append([event(1)], .stream(stream, .streamExists))
            Issue.record("the append was not rejected")
        } catch let error as ProtocolError {
            #expect(error.code == .wrongRevision)
        }
        await client.close()
    }
}

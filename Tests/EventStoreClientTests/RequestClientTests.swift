import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct Requests {
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
}

import EventSourcing
import EventStoreClient
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Log reads` {
    /// Reads the log of 700 events in dozens of chunks.
    private let request = ReadRequest(.all, from: 1, chunkBytes: 1024)

    private func filled(isProxied: Bool = false) async throws -> (Store, EventStoreClient) {
        let store = try await Store(isProxied: isProxied)
        let client = try await store.client()
        _ = try await client.append(try (1...700).map { try event($0) })
        return (store, client)
    }

    @Test func `Read returns all events in order, in batches or one by one`() async throws {
        let (store, client) = try await filled()
        var batches: [EventBatch] = []
        for try await batch in client.read(request) { batches.append(batch) }
        #expect(batches.flatMap(\.events).map(\.position) == (1...700).map { UInt64($0) })
        #expect(batches.count > 20 && batches.last?.isCaughtUp == true)
        for batch in batches { #expect(batch.events.last?.position == batch.through) }
        var last: UInt64 = 701
        let backwards = ReadRequest(direction: .backwards, limit: 650, chunkBytes: 1024)
        for try await event in client.read(backwards).events {
            #expect(event.position == last - 1)
            last = event.position
        }
        #expect(last == 51)
        await client.close()
        withExtendedLifetime(store) {}
    }

    @Test func `Store sends no more chunks ahead than the read's credit`() async throws {
        let (store, client) = try await filled(isProxied: true)
        let proxy = try #require(store.proxy)
        let reading = client.read(request).makeAsyncIterator()
        for taken in 1...5 {
            _ = try await reading.next(isolation: nil)
            await proxy.wait(for: taken + 4, of: .chunk)
            // The store has answered once more, so it would have sent another chunk by now.
            _ = try await client.welcome()
            #expect(await proxy.count(of: .chunk) == taken + 4)
        }
        await client.close()
    }

    @Test func `Leaving the loop cancels the read at the store`() async throws {
        let (store, client) = try await filled(isProxied: true)
        let proxy = try #require(store.proxy)
        for try await _ in client.read(request) { break }
        await proxy.wait(for: 1, of: .cancel)
        for try await event in client.read(request).events where event.position == 3 { break }
        await proxy.wait(for: 2, of: .cancel)
        // A read that has reached its end is not cancelled.
        for try await _ in client.read(request) {}
        _ = try await client.welcome()
        // The client also cancels each read that it had to retry because the store was slow.
        let again = await proxy.count(of: .read) - 3
        #expect(await proxy.count(of: .cancel) == 2 + again)
        await client.close()
    }

    @Test func `Cancelling the task cancels the read at the store`() async throws {
        let (store, client) = try await filled(isProxied: true)
        let proxy = try #require(store.proxy)
        for kind in [MessageKind.chunk, .read] {
            // The first read waits for its consumer, the second for the store.
            if kind == .read { for _ in 0..<4 { await proxy.lose(.chunk) } }
            let before = await (read: proxy.count(of: .read), cancel: proxy.count(of: .cancel))
            let task = Task {
                for try await _ in client.read(request) {
                    while !Task.isCancelled { await Task.yield() }
                }
            }
            await proxy.wait(for: before.read + 1, of: .read)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            await proxy.wait(for: before.cancel + 1, of: .cancel)
        }
        await client.close()
    }

    @Test func `Abandoned reads do not block later reads`() async throws {
        let (store, client) = try await filled()
        for _ in 0..<200 { for try await _ in client.read(request) { break } }
        for _ in 0..<200 {
            let task = Task { for try await _ in client.read(request) {} }
            task.cancel()
            _ = await task.result
        }
        var count = 0
        for try await batch in client.read(request) { count += batch.events.count }
        #expect(count == 700)
        await client.close()
        withExtendedLifetime(store) {}
    }

    @Test func `Read beyond the limit waits for its turn and can be cancelled`() async throws {
        let (store, client) = try await filled()
        var open: [EventReading.Iterator] = []
        for _ in 0..<32 {
            open.append(client.read(request).makeAsyncIterator())
            _ = try await open.last?.next(isolation: nil)
        }
        let waiting = (0..<3).map { _ in
            Task {
                var count = 0
                for try await batch in client.read(request) { count += batch.events.count }
                return count
            }
        }
        waiting[0].cancel()
        await #expect(throws: CancellationError.self) { try await waiting[0].value }
        open.removeLast()
        #expect(try await waiting[1].value == 700)
        #expect(try await waiting[2].value == 700)
        await client.close()
        await #expect { for try await _ in client.read(request) {} } throws: {
            DaybookError.Kind(of: $0) == .unavailable
        }
        withExtendedLifetime(store) {}
    }

    @Test func `Read continues after the store restarts`() async throws {
        let (store, client) = try await filled()
        var seen: [UInt64] = []
        for try await batch in client.read(request) {
            if seen.isEmpty {
                await store.stop()
                try await store.start()
            }
            seen += batch.events.map(\.position)
        }
        #expect(seen == (1...700).map { UInt64($0) })
        await client.close()
    }

    @Test func `Read waits while the store is overloaded`() async throws {
        let (store, client) = try await filled(isProxied: true)
        let proxy = try #require(store.proxy)
        // Open reads of one client may have queries of 8 MiB.
        let types = (0..<1_000).map { "\($0)" + String(repeating: "x", count: 245) }
        let items = Array(repeating: EventQuery.Item(types: types), count: 9)
        let large = EventQuery([.init(types: ["T"])] + items)
        let request = ReadRequest(large, from: 1, chunkBytes: 1024)
        var open: [EventReading.Iterator] = []
        for _ in 0..<2 {
            open.append(client.read(request).makeAsyncIterator())
            _ = try await open.last?.next(isolation: nil)
        }
        let waiting = Task {
            var count = 0
            for try await batch in client.read(request) { count += batch.events.count }
            return count
        }
        await proxy.wait(for: 1, of: .error)
        open = []
        #expect(try await waiting.value == 700)
        await client.close()
    }

    @Test func `Rejected read throws the store's error once and then ends`() async throws {
        let (store, client) = try await filled()
        let tooMuch = EventQuery(Array(repeating: .init(types: ["T"]), count: 1001))
        let reading = client.read(ReadRequest(tooMuch)).makeAsyncIterator()
        await #expect(throws: ProtocolError.self) { try await reading.next(isolation: nil) }
        #expect(try await reading.next(isolation: nil) == nil)
        await client.close()
        withExtendedLifetime(store) {}
    }
}

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

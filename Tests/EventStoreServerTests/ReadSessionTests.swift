import EventSourcing
import TestSupport
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Read sessions` {
    @Test func `Read crosses sealed and open segments in both directions`() async throws {
        let store = try await Store(segmentBytes: 4096)
        let client = try await store.client()
        for id in 1...100 { try await client.send(try append(UInt64(id), [id])) }
        for _ in 1...100 { #expect(try kind(try await client.receive()[0]).kind == .appended) }
        for direction in [ReadRequest.Direction.forwards, .backwards] {
            let request = ReadRequest(
                direction: direction, from: direction == .forwards ? 1 : 0, credit: 1000,
                chunkBytes: 500)
            try await client.send([header(.read, 200), try request.encoded()])
            var positions: [UInt64] = []
            var isLast = false
            while !isLast {
                let chunk = try await client.receive()
                isLast = try chunkHeader(chunk[1]).isLast
                positions += try RecordSequence(chunk[2][...]).map(\.position)
            }
            let expected = Array(UInt64(1)...100)
            #expect(positions == (direction == .forwards ? expected : expected.reversed()))
        }
    }

    @Test func `Read returns the appended events as credit is granted`() async throws {
        let store = try await Store()
        let client = try await store.client()
        for id in 1...20 {
            try await client.send(try append(UInt64(id), [id]))
        }
        for id in 1...20 {
            let answer = try await client.receive()
            #expect(try kind(answer[0]) == MessageHeader(.appended, requestID: UInt64(id)))
            #expect(try appended(answer[1]).first == UInt64(id))
        }
        let request = ReadRequest(.all, from: 1, credit: 1, chunkBytes: 500)
        try await client.send([header(.read, 99), try request.encoded()])
        var positions: [UInt64] = []
        while true {
            let answer = try await client.receive()
            try #require(answer.count == 3)
            let chunk = try chunkHeader(answer[1])
            positions += try RecordSequence(answer[2][...]).map(\.position)
            #expect(chunk.head == 20)
            if chunk.isLast { break }
            try await client.send([header(.credit, 99), [1, 0, 0, 0]])
        }
        #expect(positions == (1...20).map { UInt64($0) })
    }

    @Test func `Server sends no chunk without credit`() async throws {
        let store = try await Store()
        let client = try await store.client()
        try await client.send(try append(1, Array(1...50)))
        _ = try await client.receive()
        try await client.send(
            [
                header(.read, 2),
                try ReadRequest(.all, from: 1, credit: 2, chunkBytes: 300).encoded(),
            ])
        _ = try await client.receive()
        _ = try await client.receive()
        // The store answers in order, so a third chunk would arrive before this answer.
        try await client.send(try append(3, [51]))
        let answer = try await client.receive()
        #expect(try kind(answer[0]).kind == .appended)
    }

    /// Receives the rest of a read, and returns the positions of its events.
    private func rest(of client: Wire) async throws -> [UInt64] {
        var positions: [UInt64] = []
        while true {
            let chunk = try await client.receive()
            try #require(chunk.count == 3)
            positions += try RecordSequence(chunk[2][...]).map(\.position)
            if try chunkHeader(chunk[1]).isLast { return positions }
        }
    }

    // With small segments, the first events are read on another thread.
    @Test(arguments: [16 << 20, 1 << 20], [1 << 20, 0])
    func `Read whose client does not read pauses, and resumes when it does`(
        segmentBytes: Int, chunkBytes: UInt32
    ) async throws {
        let store = try await Store(segmentBytes: segmentBytes)
        try await store.appendLarge(48)
        let slow = try await store.client(buffer: 1)
        let request = ReadRequest(.all, from: 1, credit: .max, chunkBytes: chunkBytes)
        try await slow.send([header(.read, 1), try request.encoded()])
        while await store.metric("daybook_store_paused_reads") != 1 { try await lookAgainSoon() }
        // The store has read about what may wait, and not the whole log.
        #expect(await store.metric("daybook_store_read_events_total") ?? 48 < 40)
        // Others read meanwhile.
        let quick = try await store.client()
        try await quick.send([header(.read, 1), try request.encoded()])
        #expect(try await rest(of: quick) == Array(1...48))
        #expect(await store.metric("daybook_store_paused_reads") == 1)
        #expect(try await rest(of: slow) == Array(1...48))
        #expect(await store.metric("daybook_store_paused_reads") == 0)
    }

    // As many messages wait as libzmq keeps for a peer, of fewer bytes than may wait.
    @Test func `Read in tiny chunks is complete, although its client does not read at first`()
        async throws
    {
        let store = try await Store(segmentBytes: 16 << 20)
        let client = try await store.client()
        for id in 0..<20 {
            let ids = Array(id * 1000 + 1...(id + 1) * 1000)
            try await client.send(try append(UInt64(id), ids))
            #expect(try kind(try await client.receive()[0]).kind == .appended)
        }
        let slow = try await store.client(buffer: 1)
        let request = ReadRequest(.all, from: 1, credit: .max, chunkBytes: 0)
        try await slow.send([header(.read, 1), try request.encoded()])
        while await store.metric("daybook_store_paused_reads") != 1 { try await lookAgainSoon() }
        #expect(try await rest(of: slow) == Array(1...20_000))
    }

    @Test func `Paused read of a client that leaves is forgotten`() async throws {
        let store = try await Store(segmentBytes: 16 << 20)
        try await store.appendLarge(48)
        var slow: Wire? = try await store.client(buffer: 1)
        for id in 1...3 {
            let request = ReadRequest(.all, from: 1, credit: .max, chunkBytes: 1 << 20)
            try await slow?.send([header(.read, UInt64(id)), try request.encoded()])
        }
        while await store.metric("daybook_store_paused_reads") != 3 { try await lookAgainSoon() }
        // A cancelled read is not paused any more.
        try await slow?.send([header(.cancel, 2)])
        while await store.metric("daybook_store_paused_reads") != 2 { try await lookAgainSoon() }
        slow = nil
        while await store.metric("daybook_store_open_reads") != 0 { try await lookAgainSoon() }
        #expect(await store.metric("daybook_store_paused_reads") == 0)
    }

    @Test func `Queries of a client's open reads take a limited memory together`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let names = (0..<1000).map { "category\($0)" }
        let query = EventQuery([EventQuery.Item](repeating: .init(categories: names), count: 10))
        let request = try ReadRequest(query, credit: 0).encoded()
        for id in 1...20 { try await client.send([header(.read, UInt64(id)), request]) }
        // Each takes about 750 KB, and the table has 8 MiB for a client.
        var rejected: Set<UInt64> = []
        while rejected.count < 9 {
            let answer = try await client.receive()
            #expect(problem(answer[1]).code == .overloaded)
            rejected.insert(try kind(answer[0]).requestID)
        }
        #expect(rejected == Set(12...20))
        #expect(await store.metric("daybook_store_open_reads") == 11)
    }

    @Test func `Read ends when its connection does`() async throws {
        let store = try await Store()
        var client: Wire? = try await store.client()
        let request = try ReadRequest(.all, credit: 0).encoded()
        for id in 1...3 { try await client?.send([header(.read, UInt64(id)), request]) }
        while await store.metric("daybook_store_open_reads") != 3 { try await lookAgainSoon() }
        client = nil
        while await store.metric("daybook_store_open_reads") != 0 { try await lookAgainSoon() }
    }

    @Test func `Query of more bytes than any may have is rejected`() async throws {
        let store = try await Store()
        let client = try await store.client()
        try await client.send([header(.read, 1), [UInt8](repeating: 0, count: 5 << 20)])
        #expect(problem(try await client.receive()[1]).code == .invalid)
    }
}

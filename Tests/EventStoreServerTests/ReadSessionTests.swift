import EventSourcing
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
}

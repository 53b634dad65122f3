import EventSourcing
import Foundation
import JSON
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `Event store server` {
    @Test func `Server answers hello with welcome`() async throws {
        let store = try await Store()
        let client = try await store.client()
        try await client.send([
            header(.hello, 5), try JSON.encode(Hello(client: "t")),
        ])
        let answer = try await client.receive()
        #expect(try kind(answer[0]) == MessageHeader(.welcome, requestID: 5))
        let welcome = try JSON.decode(Welcome.self, from: answer[1])
        #expect(welcome.head == 0 && welcome.server == "event-store")
    }

    @Test func `Server rejects unsupported protocol versions and names its own`() async throws {
        let store = try await Store()
        let client = try await store.client()
        var later = header(.hello, 6)
        later[2] = 9
        try await client.send([
            later, Array(#"{"client":"t","minimumVersion":1,"maximumVersion":9}"#.utf8),
        ])
        #expect(try kind(try await client.receive()[0]).kind == .welcome)
        try await client.send([
            header(.hello, 7), Array(#"{"client":"t","minimumVersion":2,"maximumVersion":9}"#.utf8),
        ])
        let refusal = try await client.receive()
        #expect(problem(refusal[1]).code == .version && problem(refusal[1]).detail == 1)
    }

    @Test func `Each append of a batch message succeeds or fails on its own`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let fresh = try AppendCondition.stream(StreamName("s-1"), .noStream).encoded()
        let frame = AppendPart.frame([
            AppendPart(condition: fresh, records: try records([1, 2])),
            AppendPart(condition: fresh, records: try records([3])),
            AppendPart(condition: [9], records: try records([4])),
            AppendPart(condition: [], records: [1, 2, 3]),
            AppendPart(condition: [], records: try records([5])),
            AppendPart(condition: [], records: try records([1, 2])),
        ])
        try await client.send([header(.appendMany, 4), frame])
        let answer = try await client.receive()
        #expect(try kind(answer[0]) == MessageHeader(.appendedMany, requestID: 4))
        let body = answer[1]
        let outcomes = try AppendOutcomes.read(body.span)
        #expect(outcomes.map { (try? $0.get())?.last } == [2, nil, nil, nil, 3, 2])
        #expect(outcomes.map { (try? $0.get())?.isRepeat } == [false, nil, nil, nil, false, true])
        let codes = outcomes.map { outcome -> ProtocolError.Code? in
            if case .failure(let error) = outcome { error.code } else { nil }
        }
        #expect(codes == [nil, .wrongRevision, .malformed, .invalid, nil, nil])
        try await client.send([header(.appendMany, 5), Array(frame.dropLast())])
        #expect(try kind(try await client.receive()[0]).kind == .error)
    }

    @Test func `Server lists streams, reports statistics and rejects invalid calls`() async throws {
        let store = try await Store()
        let client = try await store.client()
        for (id, stream) in ["a-1", "b-1", "a-2", "a-1"].enumerated() {
            try await client.send([
                header(.append, 1), [], try records([id + 1], stream: stream),
            ])
            _ = try await client.receive()
        }
        func call(_ name: String, _ argument: String) async throws -> [[UInt8]] {
            try await client.send([header(.call, 9), Array(name.utf8), Array(argument.utf8)])
            return try await client.receive()
        }
        let answer = try await call("streams", #"{"category":"a","after":0,"limit":10}"#)
        let streams = try JSON.decode([StreamEntry].self, from: answer[1])
        #expect(streams.map(\.stream.description) == ["a-1", "a-2"])
        #expect(streams.map(\.first) == [1, 3] && streams.map(\.last) == [4, 3])
        let counted = try JSON.decode(
            StoreStatistics.self, from: try await call("statistics", "")[1])
        #expect(counted.head == 4 && counted.streams == 3 && counted.appends == 4)
        for (name, argument) in [
            ("streams", "{"), ("streams", #"{"after":0,"limit":0}"#), ("no", ""),
        ] {
            let refusal = try await call(name, argument)
            #expect(try kind(refusal[0]).kind == .error, "\(name) \(argument)")
        }
        #expect(
            problem(try await call("no", "")[1]).message
                == "the event store has no call 'no'; it has amend, amendedPositions, chain, "
                + "event, statistics, streams, undoAmendment")
    }

    @Test func `Failed condition rejects an append, and a repeat is recognized`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let none = AppendCondition.stream(try StreamName("s-1"), .noStream)
        try await client.send(try append(1, [1], none))
        try await client.send(try append(2, [2], none))
        try await client.send(try append(3, [1], none))
        _ = try await client.receive()
        let refused = try await client.receive()
        let error = problem(refused[1])
        #expect(error.code == .wrongRevision && error.detail == 1)
        #expect(error.message == "stream s-1 is at revision 0")
        let repeated = try await client.receive()
        #expect(try appended(repeated[1]).isRepeat)
    }

    @Test func `Append over the limit is answered with an error that gives its size`()
        async throws
    {
        let store = try await Store()
        let client = try await store.client()
        for size in [Limits.appendBytes + 8, Limits.appendBytes + (64 << 10) + 8] {
            try await client.send([header(.append, 1), [], Array(repeating: 0, count: size)])
            let answer = try await client.receive()
            #expect(try kind(answer[0]).kind == .error)
            #expect(problem(answer[1]).code == .invalid)
            #expect(problem(answer[1]).message.hasSuffix("bytes at most, not \(size)"))
        }
    }

    @Test func `Feed leaves large records out while a subscriber does not read`() async throws {
        let store = try await Store(segmentBytes: 64 << 20)
        let slow = try await store.subscriber("", buffer: 1)
        let quick = try await store.subscriber("")
        // Both are subscribed once they get heartbeats.
        for subscriber in [slow, quick] { _ = try await subscriber.receive() }
        try await store.appendLarge(100)
        let unsent = await store.metric("daybook_store_feed_unsent_bytes") ?? 0
        #expect((4 << 20)...(9 << 20) ~= Int(unsent))
        // The other subscriber learns where the log ends, and reads from there what is missing.
        var positions: [UInt64] = []
        var end: UInt64 = 0
        while end < 100 {
            let message = try await quick.receive()
            if message[0] == Array(Feed.heartbeatTopic.utf8) {
                end = try head(message[1])
            } else {
                positions += try RecordSequence(message[1][...]).map(\.position)
            }
        }
        #expect(positions == Array(1...UInt64(positions.count)) && positions.count < 100)
        _ = slow
    }

    @Test func `Feed publishes appended events and the head`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscriber = try await store.subscriber("")
        // The first heartbeat shows that the subscription has arrived.
        let heartbeat = try await subscriber.receive()
        #expect(heartbeat[0] == Array(Feed.heartbeatTopic.utf8))
        try await client.send(try append(1, [1, 2]))
        var published: [UInt64] = []
        var told: UInt64 = 0
        while published.count < 2 || told < 2 {
            let message = try await subscriber.receive()
            try #require(message.count == 2)
            if message[0] == Array(Feed.heartbeatTopic.utf8) {
                told = try head(message[1])
            } else {
                #expect(message[0] == Array("s.T".utf8))
                published.append(try RecordedEvent(message[1][...]).position)
            }
        }
        #expect(published == [1, 2])
    }

    @Test func `Server answers invalid messages with an error and keeps running`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let good = try records([1])
        var oldVersion = header(.hello, 1)
        oldVersion[2] = 9
        let garbage: [[[UInt8]]] = [
            [[]], [[1, 2, 3]], [header(.append, 1)], [header(.append, 1), [], []],
            [header(.append, 1), [1], good], [header(.append, 1), [], good + [0]],
            [header(.append, 1), [], Array(good.dropLast(8))], [header(.read, 1), [7]],
            [header(.read, 1)], [header(.call, 1), [], []], [header(.chunk, 1), []],
            [header(.append, 1), [], good, good], [header(.credit, 1), [1]], [oldVersion, []],
        ]
        for message in garbage {
            try await client.send(message)
            let answer = try await client.receive()
            try #require(answer.count == 2)
            #expect(try kind(answer[0]).kind == .error)
        }
        try await client.send(try append(2, [1]))
        let answer = try await client.receive()
        #expect(try appended(answer[1]).first == 1)
    }

    @Test func `Client that does not read its answers delays no other client`() async throws {
        let store = try await Store()
        let lazy = try await store.client()
        let client = try await store.client()
        try await client.send(try append(1, Array(1...500)))
        _ = try await client.receive()
        for id in UInt64(1)...60 {
            let read = ReadRequest(.all, from: 1, credit: .max, chunkBytes: 200)
            try await lazy.send([header(.read, id), try read.encoded()])
        }
        for id in 501...520 {
            try await client.send(try append(UInt64(id), [id]))
            let answer = try await client.receive()
            #expect(try appended(answer[1]).first == UInt64(id))
        }
    }
}

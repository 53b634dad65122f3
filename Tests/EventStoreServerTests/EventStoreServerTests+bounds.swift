import Synchronization
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

extension `Event store server` {
    @Test func `Server that stops answers the calls and appends that wait`() async throws {
        // Within the process, a message is with the server as soon as it is sent.
        let store = try await Store(endpoint: "inproc://requests")
        let client = try await store.client()
        let isHeld = Mutex(false)
        let mayGoOn = Mutex(false)
        let hold = Task(executorPreference: store.loop) {
            isHeld.withLock { $0 = true }
            while !mayGoOn.withLock(\.self) {}
        }
        while !isHeld.withLock(\.self) { try await lookAgainSoon() }
        let call = [Array("streams".utf8), Array(#"{"after":0,"limit":500}"#.utf8)]
        for id in 1...100 as ClosedRange<UInt64> {
            try await client.send([header(.call, id)] + call)
            try await client.send(append(100 + id, [Int(id)]))
        }
        store.running.cancel()
        mayGoOn.withLock { $0 = true }
        var answered: Set<UInt64> = []
        while answered.count < 200 {
            let answer = try await client.receive()
            let left = 200 - answered.count
            let head = try kind(try #require(answer.first, "\(left) have no answer"))
            answered.insert(head.requestID)
            #expect(head.kind == .error && problem(answer[1]).code == .unavailable)
        }
        await hold.value
    }

    @Test func `Argument that is too long is rejected before it is decoded`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let argument = #"{"after":0,"limit":500}"# + String(repeating: " ", count: 512 << 10)
        try await client.send([header(.call, 1), Array("streams".utf8), Array(argument.utf8)])
        let answer = try await client.receive()
        #expect(try kind(answer[0]).kind == .error)
        #expect(problem(answer[1]).code == .invalid)
        #expect(problem(answer[1]).message.contains("\(argument.utf8.count) bytes"))
    }

    @Test func `Subscriber to thousands of topics is disconnected, and others are served`()
        async throws
    {
        let store = try await Store()
        let flood = try await store.subscriber("flood")
        let end = String(repeating: "x", count: 200)
        for number in 0..<5_000 { try await flood.subscribe("\(number)\(end)") }
        let other = try await store.subscriber("large.T")
        let topics = "daybook_store_feed_topics"
        while ClosedConnections.shared[.unprocessed] == 0 { try await lookAgainSoon() }
        while try #require(await store.metric(topics)) == 0 { try await lookAgainSoon() }
        // The flood connects again, and subscribes to the same ones again.
        for _ in 0..<20 { try await store.appendLarge(1) }
        #expect(try #require(await store.metric(topics)) < 500)
        #expect(try await other.receive().first == Array("large.T".utf8))
    }
}

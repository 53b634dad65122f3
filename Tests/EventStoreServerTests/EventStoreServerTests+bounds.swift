import TestSupport
import Testing
import WireProtocol

extension `Event store server` {
    @Test func `Server that stops answers the calls and appends that wait`() async throws {
        let store = try await Store()
        let client = try await store.client(buffer: 10_000)
        let events = try (1...500).flatMap { try records([$0], stream: "s-\($0)") }
        try await client.send([header(.append, 501), [], events])
        #expect(try kind(try await client.receive()[0]).kind == .appended)
        let call = [Array("streams".utf8), Array(#"{"after":0,"limit":500}"#.utf8)]
        for id in 1...500 as ClosedRange<UInt64> {
            try await client.send([header(.call, id)] + call)
        }
        let received = #"daybook_store_requests_total{kind="call"}"#
        while await store.metric(received) ?? 0 < 500 { try await lookAgainSoon() }
        store.running.cancel()
        var answers: [UInt64: MessageKind] = [:]
        while answers.count < 500 {
            let answer = try await client.receive()
            let head = try kind(try #require(answer.first, "\(500 - answers.count) have no answer"))
            answers[head.requestID] = head.kind
            if head.kind == .error { #expect(problem(answer[1]).code == .unavailable) }
        }
        #expect(answers.values.contains(.error))
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
        // The server takes the subscriptions while it answers.
        for _ in 0..<20 { try await store.appendLarge(1) }
        #expect(try #require(await store.metric("daybook_store_feed_topics")) < 500)
    }
}

import EventLog
import EventSourcing
import EventStoreServer
import Testing
import WireProtocol

@Suite(.timeLimit(.minutes(10))) struct `System streams` {
    private func rule(_ id: Int) throws -> NewEvent {
        NewEvent(
            id: EventID(high: 2, low: UInt64(id)), stream: try StreamName("$rule-r"),
            type: "RuleDeleted", data: Array("{}".utf8))
    }

    @Test func `Client without a key can't append to system streams`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let (own, system) = (try records([1]), try records([2], stream: "$rule-r"))
        for (id, records) in [system, own + system, system + own].enumerated() {
            try await client.send([header(.append, UInt64(id)), [], records])
            let answer = try await client.receive()
            #expect(try kind(answer[0]) == MessageHeader(.error, requestID: UInt64(id)))
            #expect(problem(answer[1]).code == .denied)
            #expect(problem(answer[1]).message.contains("streams of '$rule'"))
        }
        let parts = [own, system].map { AppendPart(condition: [], records: $0) }
        try await client.send([header(.appendMany, 9), AppendPart.frame(parts)])
        let body = try await client.receive()[1]
        let outcomes = try AppendOutcomes.read(body.span)
        #expect(outcomes.map { (try? $0.get())?.last } == [1, nil])
    }

    @Test func `Server appends to system streams for its own process and publishes the events`()
        async throws
    {
        let store = try await Store()
        let feed = try await store.subscriber("$rule")
        // Until the subscription has arrived, events are not published.
        var (heard, count): ([[UInt8]], UInt64) = ([], 0)
        while heard.isEmpty {
            count += 1
            let appended = try await store.server.append([try rule(Int(count))])
            #expect(appended.first == count && !appended.isRepeat)
            heard = try await feed.receive(within: .milliseconds(50))
        }
        let body = heard[1]
        #expect(try RecordedEvent(body[...]).stream.description == "$rule-r")
        let again = try await store.server.append([try rule(1)])
        #expect(again.isRepeat && again.first == 1)
        let stale = AppendCondition(noneMatching: .init(.categories(["$rule"]), after: 0))
        let error = await #expect(throws: ProtocolError.self) {
            try await store.server.append([rule(1_000_000)], stale)
        }
        #expect(error?.code == .conditionFailed && error?.detail == 1)
    }
}

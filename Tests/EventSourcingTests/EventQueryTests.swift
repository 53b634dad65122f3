import EventSourcing
import Testing

@Suite struct `Event queries` {
    private func record(
        _ stream: String, _ type: String, _ tags: [String] = [], in conversation: EventID = .none
    ) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            stream: StreamName(stream), type: type, tags: tags, correlationID: conversation,
            data: []
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    @Test func `Query without items matches every event`() throws {
        #expect(EventQuery.all.matches(try record("a-1", "T")))
    }

    @Test func `Query item matches any of its types and all of its tags`() throws {
        let query = EventQuery([.init(types: ["A", "B"], tags: ["x", "y"])])
        #expect(query.matches(try record("s-1", "A", ["y", "z", "x"])))
        #expect(!query.matches(try record("s-1", "A", ["x"])))
        #expect(!query.matches(try record("s-1", "C", ["x", "y"])))
    }

    @Test func `Query item matches any of its correlation ids`() throws {
        let ids = (1...3).map { EventID(high: 1, low: $0) }
        let query = EventQuery([.init(types: ["A"], correlations: Array(ids[..<2]))])
        #expect(query.matches(try record("s-1", "A", in: ids[1])))
        #expect(!query.matches(try record("s-1", "A", in: ids[2])))
        #expect(!query.matches(try record("s-1", "B", in: ids[1])))
        #expect(!query.isAll)
    }

    @Test func `Query matches the union of its items`() throws {
        let query = EventQuery([
            .init(categories: ["order"]), .init(streams: [try StreamName("account-1")]),
        ])
        #expect(query.matches(try record("order-9", "T")))
        #expect(query.matches(try record("account-1", "T")))
        #expect(!query.matches(try record("account-2", "T")))
    }
}

@Suite struct `Query narrowing` {
    @Test func `Narrowed query matches only events that both queries match`() {
        let tags = EventQuery([.init(tags: ["a"]), .init(tags: ["b"])])
        let known = EventQuery([.init(categories: ["c"], types: ["T", "U"])])
        #expect(
            tags.narrowed(to: known)
                == EventQuery([
                    .init(categories: ["c"], types: ["T", "U"], tags: ["a"]),
                    .init(categories: ["c"], types: ["T", "U"], tags: ["b"]),
                ]))
        #expect(EventQuery.all.narrowed(to: known) == known)
        #expect(tags.narrowed(to: .all) == tags)
        let types = EventQuery([.init(types: ["U"], tags: ["a"])])
        #expect(
            types.narrowed(to: known)
                == EventQuery([.init(categories: ["c"], types: ["U"], tags: ["a"])]))
        let id = EventID(high: 1, low: 2)
        #expect(
            EventQuery.correlations([id]).narrowed(to: types)
                == EventQuery([.init(types: ["U"], tags: ["a"], correlations: [id])]))
    }
}

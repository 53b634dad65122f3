import EventSourcing
import Testing

@testable import EventStoreClient

@Suite struct `The scope of a subscription` {
    @Test func `is one category if every item names that one, else the whole feed`() throws {
        let (order, account) = (try StreamName("order-1"), try StreamName("account-1"))
        let one: [EventQuery] = [
            .categories(["order"]), .categories(["order", "order"]), .stream(order),
            EventQuery([.init(categories: ["order"], types: ["A"]), .init(streams: [order])]),
            EventQuery([.init(streams: [order], categories: ["account", "order"])]),
        ]
        for query in one { #expect(FeedScope(query) == .category("order")) }
        let whole: [EventQuery] = [
            .all, EventQuery([.init()]), .types(["A"]), .tags(["a:1"]),
            .categories(["order", "account"]),
            EventQuery([.init(streams: [order, account])]),
            EventQuery([.init(categories: ["order"]), .init(types: ["A"])]),
        ]
        for query in whole { #expect(FeedScope(query) == .all) }
    }

    @Test func `asks for the topics of its category and no other's`() {
        #expect(FeedScope.category("order").topics == ["order.", "$heartbeat"])
        #expect(FeedScope.all.topics == [""])
    }
}

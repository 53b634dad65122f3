import EventSourcing
import Testing

@testable import EventStoreClient

@Suite struct `Subscription scope` {
    @Test func `Scope is one category only if every query item is limited to it`() throws {
        let (order, account) = (try StreamName("order-1"), try StreamName("account-1"))
        let one: [EventQuery] = [
            .categories(["order"]), .categories(["order", "order"]), .stream(order),
            EventQuery([.init(categories: ["order"], types: ["A"]), .init(streams: [order])]),
            EventQuery([.init(streams: [order], categories: ["account", "order"])]),
            .categories(["order", "$amendment"]),
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

    @Test func `Category scope subscribes to its own topics and the heartbeat`() {
        #expect(FeedScope.category("order").topics == ["order.", "$amendment.", "$heartbeat"])
        #expect(FeedScope.all.topics == [""])
    }
}

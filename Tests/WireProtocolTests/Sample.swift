import EventSourcing
import WireProtocol

enum Sample {
    static let query = EventQuery([
        .init(
            streams: [try! StreamName("a-1")],  // The literal is a valid name.
            categories: ["order"], types: ["T", "U"], tags: ["x:1"]),
        .init(types: ["V"]),
    ])

    static let mixed = EventQuery(
        query.items + [.init(tags: ["y"], correlations: [.none, EventID(high: 1, low: 2)])])

    static let condition = AppendCondition(
        streams: [
            // The literals are valid names.
            .init(try! StreamName("a-1"), .noStream), .init(try! StreamName("a-2"), .any),
            .init(try! StreamName("a-3"), .streamExists),
            .init(try! StreamName("a-4"), .revision(41)),
        ], noneMatching: .init(query, after: 17))
}

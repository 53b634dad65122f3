import EventPattern
import EventSourcing
import Testing

@Suite struct `Pattern queries` {
    private static let stream = #"{"stream": ["order-1"]}"#

    @Test(arguments: [
        (#"{"detail-type": ["A", "B"]}"#, EventQuery.types(["A", "B"])),
        (#"{"category": ["order"]}"#, .categories(["order"])),
        (#"{"source": ["daybook.order", "aws.ec2"]}"#, .categories(["order"])),
        (#"{"source": ["aws.ec2"]}"#, .all), (#"{"tags": ["a:1"]}"#, .tags(["a:1"])),
        (#"{"tags": ["a:1", "a:2"]}"#, .all), (#"{"detail-type": [{"prefix": "A"}]}"#, .all),
        (#"{"detail-type": ["A", {"prefix": "B"}]}"#, .all),
        (#"{"detail-type": ["A", {"exists": false}]}"#, .all), (#"{"detail": {"x": ["A"]}}"#, .all),
        (#"{"detail-type": ["10.0.0.1"]}"#, .all),
        (
            #"{"$or": [{"category": ["a"]}, {"detail-type": ["B"]}], "detail": {"x": [1]}}"#,
            EventQuery([.init(categories: ["a"]), .init(types: ["B"])])
        ),
        (#"{"$or": [{"category": ["a"]}, {"detail": {"x": [1]}}]}"#, .all),
        (
            #"{"category": ["a"], "detail-type": ["B"], "tags": ["c"]}"#,
            EventQuery([.init(categories: ["a"], types: ["B"], tags: ["c"])])
        ),
        (
            #"{"correlation-id": ["00000000-0000-0001-0000-000000000002", "no id"]}"#,
            .correlations([EventID(high: 1, low: 2)])
        ),
    ])
    func `Query has only conditions that every matching event meets`(
        text: String, query: EventQuery
    ) throws {
        #expect(try EventPattern(text).query == query)
    }

    @Test func `Query asks for the stream that the pattern names`() throws {
        let name = try StreamName("order-1")
        #expect(try EventPattern(Self.stream).query == .stream(name))
        #expect(
            try EventPattern(#"{"resources": ["order-1", "no stream"]}"#).query == .stream(name))
    }
}

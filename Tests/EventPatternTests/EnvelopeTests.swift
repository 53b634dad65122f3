import EventPattern
import Testing

@Suite struct `Fields of the envelope` {
    @Test(arguments: [
        (#"{"version": ["0"]}"#, true), (#"{"account": [""], "region": [""]}"#, true),
        (#"{"id": ["00000000-0000-0001-0000-000000000002"]}"#, true),
        (#"{"source": ["daybook.order"]}"#, true), (#"{"source": ["order"]}"#, false),
        (#"{"time": ["2026-01-31T12:00:00.000000Z"]}"#, true),
        (#"{"time": [{"prefix": "2026-01-31"}]}"#, true),
        (#"{"resources": ["order-7"], "stream": ["order-7"], "category": ["order"]}"#, true),
        (#"{"position": [1], "revision": [7]}"#, true),
        (#"{"position": [{"numeric": [">", 1]}]}"#, false), (#"{"position": ["1"]}"#, false),
        (#"{"correlation-id": ["00000000-0000-0003-0000-000000000004"]}"#, true),
        (#"{"causation-id": [{"exists": false}]}"#, true),
        (#"{"metadata": {"a": [{"exists": false}]}}"#, true),
        (#"{"replay-name": [{"exists": true}]}"#, false),
        (#"{"unknown": [{"exists": true}]}"#, false),
        (#"{"version.x": [{"exists": false}]}"#, true), (#"{"detail.x": [1]}"#, true),
        (#"{"detail": [{"exists": false}]}"#, true),
    ])
    func `Pattern matches the fields of the envelope`(text: String, isMatch: Bool) throws {
        #expect(try Sample.x("1").isMatched(by: EventPattern(text)) == isMatch)
    }
}

import ArgumentParser
import EventPattern
import EventSourcing

/// Measures how fast events of orders are matched against many rules at once.
struct MatchBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match", abstract: "Match events against rules.")

    @Option(help: "The number of rules.") var rules = 100
    @Option(help: "The number of events.") var events = 200_000

    func run() async throws {
        var matcher = PatternMatcher<Int>()
        for rule in 0..<rules { matcher.add(rule, try EventPattern(Self.pattern(rule))) }
        let records = try (0..<1000).map(Self.record)
        var matches = 0
        let started = ContinuousClock.now
        for index in 0..<events { matches += matcher.matches(records[index % 1000]).count }
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        var measurements = Measurements("match")
        measurements.add("rules", Double(rules))
        measurements.add("events_per_second", Double(events) / seconds)
        measurements.add("matches_per_event", Double(matches) / Double(events))
        try measurements.show()
    }

    /// Returns a rule like those that people write: by type and destination, by customer, or by
    /// amount.
    private static func pattern(_ rule: Int) -> String {
        switch rule % 4 {
        case 0:
            #"{"detail-type":["OrderPlaced"],"detail":{"destination":["D\#(rule / 4 % 500)"]}}"#
        case 1: #"{"source":["daybook.order"],"detail":{"customer":["\#(rule)"]}}"#
        case 2: #"{"detail":{"total":{"amount":[{"numeric":[">",\#(90_000 + rule)]}]}}}"#
        default:
            #"{"detail-type":["OrderConfirmed","T\#(rule)"],"#
                + #""detail":{"customer":[{"prefix":"\#(rule)"}]}}"#
        }
    }

    private static func record(_ number: Int) throws -> RecordedEvent {
        let data = """
            {"order":"o\(number)","customer":"\(number * 7)","placedAt":"2026-11-25T02:00:00Z",\
            "destination":"D\(number % 500)","items":[{"sku":"A\(number)","quantity":2,"price":\
            {"amount":1250,"currency":"USD"}},{"sku":"B","quantity":1,"price":{"amount":99,\
            "currency":"USD"}}],"total":{"amount":\(number * 100),"currency":"USD"}}
            """
        var bytes: [UInt8] = []
        try NewEvent(
            stream: StreamName(category: "order", id: String(number)),
            type: number % 2 == 0 ? "OrderPlaced" : "OrderConfirmed",
            tags: ["order:o\(number)"], data: Array(data.utf8)
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }
}

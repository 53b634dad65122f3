import EventPattern
import EventSourcing
import TestSupport

/// An event with defaults for everything that a test does not set.
struct Sample {
    var stream = "order-7"
    var type = "OrderPlaced"
    var tags: [String] = []
    var metadata = ""
    var contentType = "application/json"
    var data = "{}"
    var replayName: String?

    /// An event whose data has `value` as its member `x`.
    static func x(_ value: String) -> Sample { Sample(data: #"{"x": \#(value)}"#) }

    func event() throws -> RecordedEvent {
        var bytes: [UInt8] = []
        let event = NewEvent(
            id: EventID(high: 1, low: 2), stream: try StreamName(stream), type: type, tags: tags,
            correlationID: EventID(high: 3, low: 4), contentType: contentType,
            metadata: Array(metadata.utf8), data: Array(data.utf8))
        try event.encode(into: &bytes)
        // The fields that the store sets: position 1, revision 7, noon on the last day of January
        // 2026.
        for (offset, value) in [
            (RecordLayout.position, 1), (RecordLayout.revision, 7),
            (RecordLayout.time, 1_769_860_800_000_000 as UInt64),
        ] {
            for byte in 0..<8 {
                bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
            }
        }
        return try RecordedEvent(bytes[...])
    }
}

extension SplitMix {
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}

extension Sample {
    /// The event as patterns see it.
    var tree: Tree {
        let category = StreamName.category(of: stream)
        var members: [(String, Tree)] = [
            ("version", .string("0")), ("account", .string("")), ("region", .string("")),
            ("id", .string("00000000-0000-0001-0000-000000000002")),
            ("source", .string("daybook." + category)), ("detail-type", .string(type)),
            ("time", .string("2026-01-31T12:00:00.000000Z")),
            ("resources", .array([.string(stream)])), ("stream", .string(stream)),
            ("category", .string(category)), ("tags", .array(tags.map(Tree.string))),
            ("position", .number("1")), ("revision", .number("7")),
            ("correlation-id", .string("00000000-0000-0003-0000-000000000004")),
            ("detail", Tree(data)),
        ]
        if !metadata.isEmpty { members.append(("metadata", Tree(metadata))) }
        if let replayName { members.append(("replay-name", .string(replayName))) }
        return .object(members.map(Tree.Member.init))
    }
}

extension Sample {
    func isMatched(by pattern: EventPattern) throws -> Bool {
        pattern.matches(try event(), replayName: replayName)
    }

    func matched<ID>(by matcher: PatternMatcher<ID>) throws -> [ID] {
        matcher.matches(try event(), replayName: replayName)
    }
}

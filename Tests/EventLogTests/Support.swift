import EventSourcing
import Testing

@testable import EventLog

@Sendable func clock() -> Timestamp { Timestamp(microseconds: 1_000) }

func open(
    _ storage: any LogStorage, durability: Durability = .sync
) throws(LogError) -> EventLog {
    try EventLog(
        in: storage, segmentBytes: 4096, durability: durability,
        newID: EventID(high: 1, low: 2), newSalt: salt, now: clock)
}

/// The salt of every log in these tests.
let salt: UInt64 = 0x5A17

/// The records of the segment whose checksums are right.
func wholeRecords(
    of bytes: [UInt8], in name: String
) throws -> [(position: UInt64, place: Range<Int>)] {
    let binding = try SegmentHeader(bytes.span, of: name).binding
    return SegmentScan.wholeRecords(of: bytes.span, in: 1..<1000, binding)
}

func event(
    _ number: Int, stream: String = "s-1", type: String = "T", tags: [String] = [],
    text: String = ""
) throws -> NewEvent {
    NewEvent(
        id: EventID(high: 7, low: UInt64(number)), stream: try StreamName(stream), type: type,
        tags: tags, data: Array("event \(number) \(text)".utf8))
}

extension EventLog {
    @discardableResult
    mutating func stage(
        _ events: [NewEvent], _ condition: AppendCondition = .any
    ) throws -> Appended {
        var bytes: [UInt8] = []
        for event in events { try event.encode(into: &bytes) }
        return try stage(bytes.span, condition)
    }

    func all(
        _ query: EventQuery = .all, isBackwards: Bool = false
    ) throws -> [RecordedEvent] {
        try all(
            LogRead(query, isBackwards: isBackwards, from: isBackwards ? .max : 1, chunkBytes: 700))
    }

    func all(_ request: LogRead) throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        var request = request
        while true {
            let chunk = try read(&request)
            guard chunk.count > 0 else { return events }
            let found = Array(try RecordSequence(chunk.bytes[...]))
            #expect(found.count == chunk.count)
            #expect(chunk.count == 1 || chunk.bytes.count <= request.chunkBytes)
            events += found
        }
    }
}

/// A log of sixty events in eight streams and many segments. Each event is tagged with the last
/// digit of its number.
func filled(
    _ storage: any LogStorage, background: @escaping Background = { $0() }
) throws -> EventLog {
    var log = try EventLog(
        in: storage, segmentBytes: 4096, newID: EventID(high: 1, low: 2), newSalt: salt,
        background: background, now: clock)
    for number in 1...60 {
        try log.stage([
            event(
                number, stream: "c\(number % 2)-\(number % 8)", tags: ["digit:\(number % 10)"],
                text: String(repeating: "x", count: number % 7 * 30))
        ])
        if number.isMultiple(of: 3) { try log.commit() }
    }
    try log.commit()
    return log
}

import EventSourcing
import JSON
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Dead letters in progress` {
    private let time = Timestamp(microseconds: 1_000_000)
    private var deadLetters = DeadLetters(counts: ["q": 2])

    private func event(at position: UInt64) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 1, low: position), stream: try StreamName("s-1"), type: "T",
            tags: ["order:1"], data: []
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    private func entry(_ sequence: UInt64) -> QueueEntry {
        QueueEntry(
            sequence: sequence, position: sequence, rule: "r", group: group, enqueuedAt: time,
            receives: 3, error: "no")
    }

    private func row(of queue: String) -> DeadLetterRow {
        let letter = DeadLetter(
            queue: queue, rule: "r", replay: nil, position: 1, event: .none, type: "T", sequence: 1,
            group: "g", cause: .maximumAge, error: nil, receives: 0, enqueuedAt: time,
            firstReceivedAt: nil)
        return DeadLetterRow(id: 1, letter: letter, group: group, diedAt: time)
    }

    @Test mutating func `Dead events are taken in order, a hundred at a time`() {
        for sequence in 1...150 as ClosedRange<UInt64> {
            deadLetters.add(entry(sequence), of: "q", .maximumReceives)
        }
        #expect(deadLetters.takePending().map(\.entry.sequence) == Array(1...100))
        #expect(deadLetters.takePending().map(\.entry.sequence) == Array(101...150))
        #expect(deadLetters.takePending().isEmpty)
    }

    @Test mutating func `Dead letters are counted by queue until they end`() {
        deadLetters.record(row(of: "q"))
        deadLetters.record(row(of: "gone"))
        #expect(deadLetters.count(of: "q") == 3 && deadLetters.count(of: "gone") == 1)
        deadLetters.recordClosed(row(of: "q"))
        #expect(deadLetters.count(of: "q") == 2 && deadLetters.count(of: "other") == 0)
    }

    @Test mutating func `Event without its queue becomes a dead letter without a place`() throws {
        deadLetters.add(try event(at: 1), without: Route(queue: "gone", rule: "r"))
        let pending = try #require(deadLetters.takePending().first)
        #expect(pending.queue == "gone" && pending.cause == .targetNotFound)
        #expect(pending.entry.sequence == 0 && pending.entry.error == "there is no queue 'gone'")
    }

    @Test func `Dead letter's event has the tags and the cause of the dead event`() throws {
        let dead = PendingDeadLetter(queue: "q", entry: entry(7), cause: .maximumReceives)
        let event = try event(at: 7)
        let new = try dead.newEvent(of: event, group: "g")
        #expect(new.tags == ["order:1"] && new.causationID == event.id)
        let letter = try JSON.decode(DeadLetter.self, from: new.data[...])
        #expect(letter.event == event.id && letter.group == "g" && letter.receives == 3)
        // The same death has the same id, and another place in the queue has another.
        #expect(try dead.newEvent(of: event, group: "g").id == new.id)
        let other = PendingDeadLetter(queue: "q", entry: entry(8), cause: .maximumReceives)
        #expect(try other.newEvent(of: event, group: "g").id != new.id)
        #expect(try dead.newEvent(of: nil, group: "").id != new.id)
    }

    @Test func `Dead letter agrees only with the event that it names, or with an unreadable one`()
        throws
    {
        let event = try event(at: 1)
        var dead = row(of: "q")
        dead.letter.event = event.id
        try dead.check(event)
        try dead.check(nil)
        // The event could not be read when it died, and can be read now.
        dead.letter.event = DeadLetterRow.idOfUnreadable(at: 1)
        try dead.check(event)
        dead.letter.event = DeadLetterRow.idOfUnreadable(at: 2)
        #expect(throws: DaybookError.self) { try dead.check(event) }
    }

    @Test func `Closing event is in the conversation of the dead event, not of another one`()
        throws
    {
        let event = try event(at: 1)
        var dead = row(of: "q")
        let cause = Cause(
            correlationID: .none, causationID: .none, key: .random(), actor: "a")
        let type = BusEventType.deadLetterDiscarded
        let foreign = try dead.closingEvent(type, of: event, reason: "foreign", cause)
        #expect(foreign.tags.isEmpty && foreign.correlationID == foreign.id)
        dead.letter.event = event.id
        let closing = try dead.closingEvent(type, of: event, reason: "own", cause)
        #expect(closing.tags == event.tags && closing.correlationID == event.correlationID)
    }

    @Test func `Events are appended in parts of half a megabyte, or one by one if they are larger`()
        throws
    {
        func event(_ bytes: Int) throws -> NewEvent {
            NewEvent(
                stream: try StreamName("s-1"), type: "T", metadata: [],
                data: Array(repeating: 0, count: bytes))
        }
        let events = try [300_000, 200_000, 100_000, 900_000, 0].map(event)
        var rest = events[...]
        var parts: [Range<Int>] = []
        while let part = rest.takeAppend() { parts.append(part.indices) }
        #expect(parts == [0..<2, 2..<3, 3..<4, 4..<5])
    }
}

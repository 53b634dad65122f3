import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Redrives and discards in progress` {
    private let time = Timestamp(microseconds: 5)
    private var closings = DeadLetterClosings()

    private func command(_ number: UInt64) -> EventID { EventID(high: 9, low: number) }

    private func total(_ count: Int) -> DeadLetterClosings.Total {
        DeadLetterClosings.Total(count: count, last: appended)
    }

    private var appended: Appended {
        Appended(first: 8, last: 9, lastRevision: 3, time: time, isRepeat: false)
    }

    private func letter(_ id: UInt64, of queue: String = "q") -> DeadLetterRow {
        let letter = DeadLetter(
            queue: queue, rule: "r", replay: nil, position: 1, event: .none, type: "T", sequence: 1,
            group: "g", cause: .maximumAge, error: nil, receives: 0, enqueuedAt: time,
            firstReceivedAt: nil)
        return DeadLetterRow(id: id, letter: letter, group: group, diedAt: time)
    }

    @Test mutating func `Repeated command waits for the first attempt and gets its total`() {
        #expect(closings.begin(command(1)) == true)
        #expect(closings.begin(command(1)) == false)
        #expect(closings.total(of: command(1)) == nil)
        closings.wait(for: command(1), Waiter(id: 5))
        #expect(closings.begin(command(2)) == true, "another command waits")
        #expect(closings.end(command(1), with: total(3)) == [Waiter(id: 5)])
        #expect(closings.begin(command(1)) == false)
        #expect(closings.total(of: command(1)) == total(3))
    }

    @Test mutating func `Command that failed can be tried again`() {
        #expect(closings.begin(command(1)) == true)
        closings.wait(for: command(1), Waiter(id: 5))
        #expect(closings.end(command(1), with: nil) == [Waiter(id: 5)])
        #expect(closings.begin(command(1)) == true)
    }

    @Test mutating func `Totals of the last thousand commands are kept`() {
        for number in 1...1001 as ClosedRange<UInt64> {
            #expect(closings.begin(command(number)) == true)
            #expect(closings.end(command(number), with: total(1)).isEmpty)
        }
        #expect(closings.total(of: command(1)) == nil)
        #expect(closings.total(of: command(2)) == total(1))
    }

    @Test mutating func `Dead letter is closed by one command at a time`() {
        #expect(closings.take([letter(1), letter(2)]).map(\.id) == [1, 2])
        #expect(closings.take([letter(2), letter(3)]).map(\.id) == [3])
        #expect(closings.isTaken(2) && !closings.isTaken(4))
        closings.release([letter(1), letter(2)])
        #expect(!closings.isTaken(2) && closings.isTaken(3))
        #expect(closings.take([letter(2), letter(3)]).map(\.id) == [2])
    }

    @Test func `Outcome has an event for each dead letter, or is nothing`() {
        let type = BusEventType.deadLetterRedriven
        #expect(
            total(2).outcome(type, isRepeat: false)
                == .appended(appended, types: [type.rawValue, type.rawValue]))
        #expect(
            total(1).outcome(type, isRepeat: true)
                == .repeated(position: appended.last, types: [type.rawValue]))
        #expect(DeadLetterClosings.Total().outcome(type, isRepeat: false) == .nothing)
    }

    @Test func `Error names the unknown ids and the missing queues, and says what was done`() throws
    {
        var progress = DeadLetterClosings.Progress()
        #expect(progress.isEmpty)
        let letters = [(letter(1), true), (letter(2, of: "gone"), false), (letter(3), true)]
        let possible = progress.possible(letters.map { (letter: $0, isPossible: $1) })
        #expect(possible.map(\.id) == [1, 3])
        progress.add([1, 3], appended)
        #expect(
            throws: DaybookError(
                .notFound,
                "dead letters redriven: 2; but there is no queue 'gone' to redrive to; create it "
                    + "with: event-store queues create gone; these ids name no waiting dead "
                    + "letter: 7, 9; list the waiting ones with: event-store dlq list")
        ) {
            try progress.total(
                of: DeadLetterSelection(ids: [9, 1, 2, 3, 7, 7]), .deadLetterRedriven)
        }
        var other = DeadLetterClosings.Progress()
        other.add([1, 3], appended)
        let total = try other.total(of: DeadLetterSelection(ids: [3, 1, 1]), .deadLetterRedriven)
        #expect(total == self.total(2))
    }

    @Test func `Dead letters without their events are named, and the others are redriven`() throws {
        var bytes: [UInt8] = []
        try NewEvent(id: .random(), stream: try StreamName("s-1"), type: "T", data: [])
            .encode(into: &bytes)
        let event = try RecordedEvent(bytes[...])
        var good = letter(1)
        good.letter.event = event.id
        var missing = letter(3)
        missing.letter.position = 900
        var progress = DeadLetterClosings.Progress()
        let sound = progress.sound([good, letter(2), missing], [1: event])
        #expect(sound.map(\.id) == [1])
        #expect(!progress.isEmpty)
        progress.add([1], appended)
        for ids in [nil, [1, 2, 3]] as [[UInt64]?] {
            #expect(
                throws: DaybookError(
                    .notFound,
                    "dead letters redriven: 1; but the log has other events at the positions of "
                        + "these dead letters: 2; discard the dead letters with: event-store dlq "
                        + "discard; the log has no readable events for these dead letters: 3; "
                        + "check the log with 'event-store verify', or discard the dead letters "
                        + "with 'event-store dlq discard'")
            ) {
                try progress.total(of: DeadLetterSelection(ids: ids), .deadLetterRedriven)
            }
        }
    }

    @Test func `Error names the first twenty of many unknown ids`() {
        let error = #expect(throws: DaybookError.self) {
            try DeadLetterClosings.Progress().total(
                of: DeadLetterSelection(ids: Array(1...30)), .deadLetterDiscarded)
        }
        #expect(error?.description.contains(": 1, 2, ") == true)
        #expect(error?.description.contains(" 19, 20 and 10 more; ") == true)
    }
}

import EventSourcing
import TestSupport
import Testing

@testable import EventLog

/// The kinds of appends to the log that `prepared` returns.
private enum AppendKind: CaseIterable {
    case oneEvent, newStream, ofSeveralStreams, underRevision, underNoStream, underStreamExists
    case underNoneMatching, rejectedRevision, rejectedMatch, repeated, repeatedInPart
    case fillsSegment, startsSegment

    /// The number of the append's first new event.
    static let first = 1_000

    private static let long = String(repeating: "x", count: 1_400)

    func events() throws -> [NewEvent] {
        let first = Self.first
        switch self {
        case .ofSeveralStreams:
            return try [
                event(first, stream: "new-1", tags: ["new"]), event(first + 1, stream: "c0-2"),
                event(first + 2, stream: "new-1"), event(first + 3, stream: "c1-1"),
                event(first + 4, stream: "other-1"),
            ]
        case .newStream, .underNoStream: return try [event(first, stream: "new-1")]
        case .repeated: return [try Self.known(7)]
        case .repeatedInPart: return try [Self.known(7)] + [event(first, stream: "new-1")]
        case .fillsSegment, .startsSegment:
            let count = self == .fillsSegment ? 1 : 2
            return try (0..<count).map { index in
                try event(
                    first + index, stream: index == 0 ? "new-1" : "c0-2", text: Self.long)
            }
        default: return try [event(first, stream: "c1-3")]
        }
    }

    func condition() throws -> AppendCondition {
        switch self {
        case .underRevision: return .stream(try StreamName("c1-3"), .revision(7))
        case .rejectedRevision: return .stream(try StreamName("c1-3"), .revision(6))
        case .underNoStream: return .stream(try StreamName("new-1"), .noStream)
        case .underStreamExists: return .stream(try StreamName("c0-4"), .streamExists)
        case .underNoneMatching, .ofSeveralStreams:
            return AppendCondition(noneMatching: .init(.tags(["n:7"]), after: 8))
        case .rejectedMatch:
            return AppendCondition(noneMatching: .init(.tags(["n:7"]), after: 7))
        default: return .any
        }
    }

    /// The event of this number, as `chained` appends it.
    private static func known(_ number: Int) throws -> NewEvent {
        try event(
            number, stream: "c\(number % 2)-\(number % 8)", tags: ["n:\(number)"],
            text: String(repeating: "x", count: number % 7 * 30))
    }
}

/// The state of a log, including its staged events.
private struct State: Equatable {
    var head: UInt64
    var headTime: Timestamp?
    var next: UInt64
    var group: [UInt8]
    var segments: [String]
    var ends: [Int]
    var terms: [Int]
    var occurrences: [Int]

    init(_ log: borrowing EventLog) {
        (head, headTime, next, group) = (log.head, log.headTime, log.nextPosition, log.group)
        let recent = log.recent
        segments = recent.map(\.name)
        ends = recent.map(\.end)
        terms = recent.map(\.terms)
        occurrences = recent.map(\.occurrences)
    }
}

@Suite(.mayBlock) struct `Append atomicity` {
    private let original = FaultyStorage()

    init() throws {
        var log = try open(original)
        try log.stage([event(3_000, stream: "only-1")])
        try log.commit()
        log = try chained(original)
        #expect(log.head == 61 && log.sealed.segments.count >= 3)
    }

    /// A log of several segments that is not open yet, so none of its streams are in memory.
    private func prepared() -> FaultyStorage { original.crashed { true } }

    private func neighbour(_ number: Int) throws -> [NewEvent] {
        try [event(2_000 + number, stream: "c0-6"), event(2_100 + number, stream: "near-1")]
    }

    /// The records of the log with both neighbours and, if `isMade`, the append between them.
    private func model(_ kind: AppendKind, isMade: Bool) throws -> [[UInt8]] {
        var log = try open(prepared())
        try log.stage(neighbour(1))
        if isMade { try log.stage(kind.events(), kind.condition()) }
        try log.stage(neighbour(2))
        try log.commit()
        return try log.plainRecords()
    }

    /// Expects that the log has these records now and after it is reopened, and finds them by id.
    private func expect(
        _ records: [[UInt8]], in log: borrowing EventLog, on storage: FaultyStorage,
        _ comment: Comment
    ) throws {
        #expect(try log.plainRecords() == records, comment)
        let again = try open(storage.crashed { false })
        #expect(try again.plainRecords() == records, comment)
        let ids = try again.all().suffix(12).map(\.id)
        for id in ids + [EventID(high: 7, low: UInt64(AppendKind.first))] {
            let found = try again.committedEvent(id: id)?.position
            #expect(try log.committedEvent(id: id)?.position == found, comment)
        }
        #expect(try log.statistics() == again.statistics(), comment)
    }

    @Test(arguments: AppendKind.allCases)
    fileprivate func `Append leaves the log unchanged if one of its lookups fails`(
        kind: AppendKind
    ) throws {
        let without = try model(kind, isMade: false)
        var failures = 0
        for call in 0... {
            let storage = prepared()
            var log = try open(storage)
            try log.stage(neighbour(1))
            let before = State(log)
            storage.callsBeforeFailure = call
            let outcome = Result { try log.stage(kind.events(), kind.condition()) }
            let isHit = storage.callsBeforeFailure == nil
            storage.callsBeforeFailure = nil
            guard isHit else { break }
            failures += 1
            guard case .failure(let error as AppendError) = outcome else { continue }
            // A failed write ends the log. The next test covers that.
            guard (try? log.commit()) != nil else { continue }
            var after = State(log)
            #expect(after.head == before.next - 1)
            (after.head, after.headTime, after.group) = (
                before.head, before.headTime, before.group
            )
            #expect(after == before, "\(kind), call \(call): \(error)")
            try log.stage(neighbour(2))
            try log.commit()
            try expect(without, in: log, on: storage, "\(kind), call \(call): \(error)")
        }
        #expect(failures > 0)
    }

    @Test(arguments: AppendKind.allCases)
    fileprivate func `Append is stored whole or not at all if a write fails`(
        kind: AppendKind
    ) throws {
        let (without, with) = (
            try model(kind, isMade: false), try? model(kind, isMade: true)
        )
        var random = SplitMix(state: 17)
        var ends = 0
        for call in 0..<1_000 {
            let storage = prepared()
            var log = try open(storage)
            try log.stage(neighbour(1))
            storage.callsBeforeFailure = call
            let staged = Result { try log.stage(kind.events(), kind.condition()) }
            let committed = Result { () throws(LogError) in try log.commit() }
            let isHit = storage.callsBeforeFailure == nil
            storage.callsBeforeFailure = nil
            guard isHit else { break }
            guard case .failure(let failure) = committed else { continue }
            ends += 1
            // The log writes nothing more even if the disk works again, and every call gets the
            // error.
            #expect(throws: failure) { try log.commit() }
            #expect(throws: AppendError.log(failure)) { try log.stage(neighbour(2)) }
            #expect(failure.description.contains("injected once"))
            if case .failure(let error as AppendError) = staged, case .log = error {
                #expect(error == .log(failure))
            }
            for survives in 0..<3 {
                let disk = storage.crashed {
                    survives == 0 ? false : survives == 1 || Bool.random(using: &random)
                }
                var again = try open(disk)
                let head = again.head
                let whole: [UInt64] = [61, 63, UInt64(with?.count ?? 65) - 2]
                #expect(whole.contains(head), "\(kind), call \(call), \(survives)")
                // A retry with the same event ids shows whether the append was stored.
                let first = try again.stage(neighbour(1))
                #expect(first.isRepeat == (head > 61))
                if with != nil {
                    let own = try again.stage(kind.events(), kind.condition())
                    #expect(kind == .repeated || own.isRepeat == (head > 63))
                }
                try again.stage(neighbour(2))
                try again.commit()
                try expect(
                    with ?? without, in: again, on: disk, "\(kind), call \(call), \(survives)")
            }
        }
        #expect(ends > 0)
    }

    @Test func `Failed append does not affect other appends in the same commit`() throws {
        let storage = prepared()
        var log = try open(storage)
        let index = try #require(log.sealed.segments.first).index
        // The blocks locate the events of a term, so damage to them makes the lookup fail.
        for block in 0..<index.blocks {
            storage.flip(
                IndexFile.name(base: index.base),
                at: index.blocksOffset + block * IndexFile.blockSize)
        }
        let only = try event(1_001, stream: "only-1")
        try log.stage([event(1_000, stream: "fresh-1")])
        #expect(throws: AppendError.self) {
            try log.stage([event(1_002, stream: "fresh-2"), only])
        }
        try log.stage([event(1_003, stream: "fresh-3")])
        let committed = try RecordSequence(try log.commit()[...])
        #expect(committed.map(\.id.low) == [1_000, 1_003])
        #expect(committed.allSatisfy { !$0.hasMoreOfAppend })
        #expect(log.head == 63)
    }
}

@Suite struct `Positions out of range` {
    private static let beyond: [UInt64] = [61, 1 << 63, .max - 1, .max]

    @Test(arguments: beyond)
    func `Reads beyond the head return only existing events`(position: UInt64) throws {
        let storage = FaultyStorage()
        let log = try chained(storage)
        let all = Array(UInt64(1)...60)
        #expect(try log.all(LogRead(to: position)).map(\.position) == all)
        #expect(try log.all(LogRead(from: position)).isEmpty)
        #expect(try log.all(LogRead(from: position, to: position)).isEmpty)
        #expect(
            try log.all(LogRead(isBackwards: true, from: position)).map(\.position)
                == all.reversed())
        #expect(try log.all(LogRead(isBackwards: true, from: .max, to: position)).isEmpty)
        #expect(try log.all(LogRead(isBackwards: true, from: position, to: 0)).count == 60)
        #expect(try log.all(LogRead(.tags(["n:7"]), to: position)).map(\.position) == [7])
    }

    @Test func `Position 0 comes before all events`() throws {
        let log = try chained(FaultyStorage())
        #expect(try log.all(LogRead(from: 0)).count == 60)
        #expect(try log.all(LogRead(from: 0, to: 0)).isEmpty)
        #expect(try log.all(LogRead(isBackwards: true, from: 0)).isEmpty)
        #expect(try log.all(LogRead(isBackwards: true, from: 0, to: 0)).isEmpty)
    }

    @Test(arguments: beyond)
    func `No event or stream follows a position beyond the log`(position: UInt64) throws {
        var log = try chained(FaultyStorage())
        #expect(try log.streams(after: position, limit: 10).isEmpty)
        try log.stage([event(100)], AppendCondition(noneMatching: .init(.all, after: position)))
        try log.commit()
        #expect(log.head == 61)
    }
}

extension EventLog {
    /// The records as readers get them, without what depends on the disk: the flag of a commit's
    /// start and the checksum that covers it.
    fileprivate func plainRecords() throws -> [[UInt8]] {
        try all().map { event in
            var bytes = Array(event.bytes)
            bytes[RecordLayout.flags] &= ~RecordLayout.startsCommit
            for index in 0..<4 { bytes[RecordLayout.headChecksum + index] = 0 }
            return bytes
        }
    }
}

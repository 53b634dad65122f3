import EventSourcing
import Foundation
import GRDB
import JSON
import WireProtocol

// A column may hold a value of any type, because another program may have written the file. So each
// value is decoded with a check. GRDB's subscripts would trap instead.

extension QueueRow {
    init(_ row: Row) throws {
        let definition: Data = try row.decode(forColumn: "definition")
        self.init(
            id: try row.decode(forColumn: "id"),
            definition: try JSON.decode(QueueDefinition.self, from: definition),
            counters: QueueCounters(
                isPaused: try row.decode(forColumn: "isPaused"),
                phase: QueuePhase(column: try row.decode(forColumn: "filled")),
                lastSequence: try row.bits("lastSequence"),
                acknowledged: try row.bits("acknowledged"), dropped: try row.bits("dropped"),
                lastLease: try row.bits("lastLease")))
    }
}

extension DeadLetterRow {
    init(_ row: Row) throws {
        let letter: Data = try row.decode(forColumn: "letter")
        self.init(
            id: try row.bits("id"), letter: try JSON.decode(DeadLetter.self, from: letter),
            group: try GroupKey(row),
            diedAt: Timestamp(microseconds: try row.decode(forColumn: "diedAt")))
    }
}

extension GroupKey {
    init(_ row: Row) throws { self.init(high: try row.bits("high"), low: try row.bits("low")) }
}

extension QueueEntry {
    /// The columns in the order in which `init` reads them, by index because there are many rows.
    static let columns =
        "sequence, position, rule, replay, high, low, enqueuedAt, receives, firstReceivedAt, "
        + "notBefore, error, lease"

    init(_ row: Row) throws {
        let (firstReceivedAt, notBefore): (Int64?, Int64?) = (
            try row.decode(atIndex: 8), try row.decode(atIndex: 9)
        )
        let lease: Data? = try row.decode(atIndex: 11)
        self.init(
            sequence: try row.bits(0), position: try row.bits(1),
            rule: try row.decode(atIndex: 2), replay: try row.decode(atIndex: 3),
            group: GroupKey(high: try row.bits(4), low: try row.bits(5)),
            enqueuedAt: Timestamp(microseconds: try row.decode(atIndex: 6)),
            receives: try row.decode(atIndex: 7),
            firstReceivedAt: firstReceivedAt.map { Timestamp(microseconds: $0) },
            notBefore: notBefore.map { RunningTime(microseconds: $0) },
            error: try row.decode(atIndex: 10), lease: try lease.map { try Lease(stored: $0) })
    }
}

extension Row {
    /// Reads an unsigned integer, which SQLite stores as the signed one with the same bits.
    func bits(_ column: String) throws -> UInt64 {
        UInt64(bitPattern: try decode(Int64.self, forColumn: column))
    }

    func bits(_ index: Int) throws -> UInt64 {
        UInt64(bitPattern: try decode(Int64.self, atIndex: index))
    }
}

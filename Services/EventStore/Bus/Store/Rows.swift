import EventSourcing
import Foundation
import GRDB
import WireProtocol

/// A rule as the store has it.
struct RuleRow: Sendable {
    var rule: RuleDefinition
    var changedAt: Timestamp
    var changedBy: String
}

/// A queue as the store has it, without what it holds.
struct QueueRow: Sendable {
    var id: Int64
    var definition: QueueDefinition
    var isPaused: Bool
    var phase: QueuePhase
    var lastSequence: UInt64
    var acknowledged: UInt64
    var dropped: UInt64
}

/// How far a queue has come with what was in the log before it.
enum QueuePhase: Hashable, Sendable {
    /// No rule targets it yet.
    case unstarted
    /// It has what its rules match up to this position; what is routed meanwhile comes later.
    case filling(through: UInt64)
    /// It gets what is routed.
    case live

    /// As the store has it.
    var column: Int64? {
        switch self {
        case .unstarted: -1
        case .filling(let position): Int64(position)
        case .live: nil
        }
    }

    init(column: Int64?) {
        guard let column else {
            self = .live
            return
        }
        self = column < 0 ? .unstarted : .filling(through: UInt64(column))
    }
}

/// A dead letter as the store has it.
struct DeadLetterRow: Sendable {
    /// The position of the event that says that it is dead.
    var id: UInt64
    var letter: DeadLetter
    var group: GroupKey
    var diedAt: Timestamp
}

extension QueueRow {
    init(_ row: Row) throws {
        self.init(
            id: row["id"],
            definition: try JSONDecoder().decode(QueueDefinition.self, from: row["definition"]),
            isPaused: row["isPaused"], phase: QueuePhase(column: row["filled"]),
            lastSequence: UInt64(row["lastSequence"] as Int64),
            acknowledged: UInt64(row["acknowledged"] as Int64),
            dropped: UInt64(row["dropped"] as Int64))
    }
}

extension DeadLetterRow {
    init(_ row: Row) throws {
        self.init(
            id: UInt64(row["id"] as Int64),
            letter: try JSONDecoder().decode(DeadLetter.self, from: row["letter"]),
            group: GroupKey(row), diedAt: Timestamp(microseconds: row["diedAt"]))
    }
}

extension GroupKey {
    init(_ row: Row) {
        self.init(
            high: UInt64(bitPattern: row["high"] as Int64),
            low: UInt64(bitPattern: row["low"] as Int64))
    }
}

extension QueueEntry {
    /// In the order in which `init` reads them: by number, for there are many rows.
    static let columns =
        "sequence, position, rule, replay, high, low, enqueuedAt, receives, firstReceivedAt, "
        + "notBefore, error"

    init(_ row: Row) {
        func time(_ column: Int) -> Timestamp? {
            (row[column] as Int64?).map { Timestamp(microseconds: $0) }
        }
        self.init(
            sequence: UInt64(row[0] as Int64), position: UInt64(row[1] as Int64), rule: row[2],
            replay: row[3],
            group: GroupKey(
                high: UInt64(bitPattern: row[4] as Int64),
                low: UInt64(bitPattern: row[5] as Int64)),
            enqueuedAt: Timestamp(microseconds: row[6]), receives: row[7],
            firstReceivedAt: time(8), notBefore: time(9), error: row[10])
    }
}

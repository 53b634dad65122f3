import EventSourcing
import Foundation
import GRDB
import WireProtocol

/// A rule as the store has it.
struct RuleRow: Hashable, Sendable {
    var rule: RuleDefinition
    var changedAt: Timestamp
    var changedBy: String
}

/// A queue as the store has it, without what it holds.
@dynamicMemberLookup
struct QueueRow: Sendable {
    var id: Int64
    var definition: QueueDefinition
    var figures = QueueFigures()

    subscript<Value>(dynamicMember path: WritableKeyPath<QueueFigures, Value>) -> Value {
        get { figures[keyPath: path] }
        set { figures[keyPath: path] = newValue }
    }
}

/// What changes of a queue as it works.
struct QueueFigures: Hashable, Sendable {
    var isPaused = false
    var phase = QueuePhase.unstarted
    var lastSequence: UInt64 = 0
    var acknowledged: UInt64 = 0
    var dropped: UInt64 = 0
    /// No lease has a higher number.
    var lastLease: UInt64 = 0
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
        case .filling(let position): Int64(clamping: position)
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
struct DeadLetterRow: Hashable, Sendable {
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
            figures: QueueFigures(
                isPaused: row["isPaused"], phase: QueuePhase(column: row["filled"]),
                lastSequence: UInt64(bitPattern: row["lastSequence"]),
                acknowledged: UInt64(bitPattern: row["acknowledged"]),
                dropped: UInt64(bitPattern: row["dropped"]),
                lastLease: UInt64(bitPattern: row["lastLease"])))
    }
}

extension DeadLetterRow {
    init(_ row: Row) throws {
        self.init(
            id: UInt64(bitPattern: row["id"]),
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
        + "notBefore, error, lease"

    init(_ row: Row) throws {
        self.init(
            sequence: UInt64(bitPattern: row[0]), position: UInt64(bitPattern: row[1]),
            rule: row[2], replay: row[3],
            group: GroupKey(
                high: UInt64(bitPattern: row[4] as Int64),
                low: UInt64(bitPattern: row[5] as Int64)),
            enqueuedAt: Timestamp(microseconds: row[6]), receives: row[7],
            firstReceivedAt: (row[8] as Int64?).map { Timestamp(microseconds: $0) },
            notBefore: (row[9] as Int64?).map { RunningTime(microseconds: $0) }, error: row[10],
            lease: try (row[11] as Data?).map { try Lease(stored: $0) })
    }
}

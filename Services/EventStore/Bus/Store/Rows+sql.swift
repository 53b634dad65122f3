import EventSourcing
import Foundation
import GRDB
import JSON
import WireProtocol

/// The rows of all definitions.
typealias DefinitionRows = (
    rules: [RuleRow], queues: [QueueRow], archives: [ArchiveRow], replays: [ReplayRow]
)

extension Database {
    func rows<Value>(
        _ sql: String, arguments: StatementArguments = [], _ value: (Row) throws -> Value
    ) throws -> [Value] {
        // A row of a cursor would convert a value of another type silently.
        try Row.fetchAll(try cachedStatement(sql: sql), arguments: arguments).map(value)
    }

    func progress() throws -> (journal: EventID?, JournalRecord) {
        guard let row = try Row.fetchOne(self, sql: "SELECT * FROM journal") else {
            return (nil, JournalRecord())
        }
        let time = BusTime(
            running: RunningTime(microseconds: try row.decode(forColumn: "running")),
            log: try row.time("logTime"))
        return (
            EventID(try row.decode(String.self, forColumn: "id")),
            JournalRecord(routed: try row.bits("routed"), time: time)
        )
    }

    func definitions() throws -> DefinitionRows {
        (
            rules: try rows("SELECT * FROM rule ORDER BY name", RuleRow.init),
            queues: try rows("SELECT * FROM queue ORDER BY id", QueueRow.init),
            archives: try rows("SELECT row FROM archive") { try $0.json("row") },
            replays: try rows("SELECT row FROM replay") { try $0.json("row") }
        )
    }

    /// Returns the queue's entries in the range, in order.
    func entries(of queue: Int64, _ range: EntryLoad.Range) throws -> [QueueEntry] {
        let (condition, arguments): (String, StatementArguments) =
            switch range {
            case .after(let sequence, let limit):
                ("sequence > ? ORDER BY sequence LIMIT ?", [queue, sequence.column, limit])
            case .groups(let groups, let sequence):
                (
                    """
                    sequence <= ? AND (high, low) IN
                        (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
                            FROM json_each(?))
                        ORDER BY sequence
                    """,
                    [
                        queue, sequence.column,
                        try JSON.text(groups.map { [$0.high.column, $0.low.column] }),
                    ]
                )
            }
        let select = try cachedStatement(
            sql: "SELECT \(QueueEntry.columns) FROM entry WHERE queue = ? AND \(condition)")
        return try Array(Row.fetchCursor(select, arguments: arguments).map(QueueEntry.init))
    }

    /// Returns the sequence of a dead letter's entry in the queue, or nil if it is not there.
    func place(of letter: DeadLetter, in queue: Int64) throws -> UInt64? {
        func entries(_ condition: String, _ number: UInt64) throws -> [QueueEntry] {
            try rows(
                "SELECT \(QueueEntry.columns) FROM entry WHERE queue = ? AND \(condition) = ?",
                arguments: [queue, number.column], QueueEntry.init)
        }
        let known = try entries("sequence", letter.sequence)
        if known.contains(where: { $0.isEntry(of: letter) }) { return letter.sequence }
        return try entries("position", letter.position).first { $0.isEntry(of: letter) }?.sequence
    }

    /// Returns the numbers of dead letters by queue and group.
    func deadGroups() throws -> [String: [GroupKey: Int]] {
        let groups = try rows(
            "SELECT queue, high, low, COUNT(*) AS count FROM deadLetter GROUP BY queue, high, low"
        ) { row -> (queue: String, group: GroupKey, count: Int) in
            (
                try row.decode(forColumn: "queue"), try GroupKey(row),
                try row.decode(forColumn: "count")
            )
        }
        return groups.reduce(into: [:]) { found, row in
            if row.group != .none { found[row.queue, default: [:]][row.group] = row.count }
        }
    }

    /// Returns the dead letters that match the request, up to the id `last`, oldest first.
    func deadLetters(
        _ request: DeadLettersRequest, through last: UInt64 = .max
    ) throws -> [DeadLetterRow] {
        let selection = request.selection
        var (conditions, arguments) = (
            ["id > ?", "id <= ?"],
            StatementArguments([Int64(clamping: request.after), Int64(clamping: last)])
        )
        for (column, value) in [
            ("queue", selection.queue), ("rule", selection.rule), ("label", selection.group),
        ] {
            guard let value else { continue }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        if let ids = selection.ids {
            conditions.append("id IN (SELECT value FROM json_each(?))")
            arguments += ["[\(ids.map(String.init).joined(separator: ","))]"]
        }
        return try rows(
            "SELECT * FROM deadLetter WHERE \(conditions.joined(separator: " AND ")) "
                + "ORDER BY id LIMIT ?", arguments: arguments + [request.limit], DeadLetterRow.init)
    }
}

// A column may hold a value of any type, because another program may have written the file. So each
// value is decoded with a check. GRDB's subscripts would trap instead.

extension RuleRow {
    init(_ row: Row) throws {
        self.init(
            rule: try row.json("definition"), changedAt: try row.time("changedAt"),
            changedBy: try row.decode(forColumn: "changedBy"))
    }
}

extension QueueRow {
    init(_ row: Row) throws {
        self.init(
            id: try row.decode(forColumn: "id"), definition: try row.json("definition"),
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
        self.init(
            id: try row.bits("id"), letter: try row.json("letter"), group: try GroupKey(row),
            diedAt: try row.time("diedAt"))
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
        self.init(
            sequence: try row.bits(0), position: try row.bits(1), rule: try row.text(2),
            replay: try row.optional(3, Row.text),
            group: GroupKey(high: try row.bits(4), low: try row.bits(5)),
            enqueuedAt: Timestamp(microseconds: try row.integer(6)),
            receives: Int(try row.integer(7)),
            firstReceivedAt: try row.optional(8, Row.integer).map { Timestamp(microseconds: $0) },
            notBefore: try row.optional(9, Row.integer).map { RunningTime(microseconds: $0) },
            error: try row.optional(10, Row.text),
            lease: try row.optional(11, Row.blob).map { try Lease(stored: $0) })
    }
}

extension UInt64 {
    /// The signed integer with the same bits, because SQLite has no unsigned ones.
    var column: Int64 { Int64(bitPattern: self) }
}

extension Row {
    /// Reads an unsigned integer, which SQLite stores as the signed one with the same bits.
    func bits(_ column: String) throws -> UInt64 {
        UInt64(bitPattern: try decode(Int64.self, forColumn: column))
    }

    func time(_ column: String) throws -> Timestamp {
        Timestamp(microseconds: try decode(forColumn: column))
    }

    func json<Value: Decodable>(_ column: String) throws -> Value {
        try JSON.decode(from: try decode(Data.self, forColumn: column))
    }
}

/// Reads by index, for tables of many rows. GRDB's `decode` is slower, and it converts values of
/// another type silently if the row is a cursor's.
extension Row {
    fileprivate func integer(_ index: Int) throws -> Int64 {
        let value: DatabaseValue = self[index]
        guard case .int64(let integer) = value.storage else { throw mismatch(index, value) }
        return integer
    }

    fileprivate func bits(_ index: Int) throws -> UInt64 {
        UInt64(bitPattern: try integer(index))
    }

    fileprivate func text(_ index: Int) throws -> String {
        let value: DatabaseValue = self[index]
        guard case .string(let text) = value.storage else { throw mismatch(index, value) }
        return text
    }

    fileprivate func blob(_ index: Int) throws -> Data {
        let value: DatabaseValue = self[index]
        guard case .blob(let blob) = value.storage else { throw mismatch(index, value) }
        return blob
    }

    fileprivate func optional<Value>(
        _ index: Int, _ read: (Row) -> (Int) throws -> Value
    ) throws -> Value? {
        hasNull(atIndex: index) ? nil : try read(self)(index)
    }

    private func mismatch(_ index: Int, _ value: DatabaseValue) -> DecodingError {
        .dataCorrupted(
            DecodingError.Context(
                codingPath: [], debugDescription: "column \(index) of an entry is \(value)"))
    }
}

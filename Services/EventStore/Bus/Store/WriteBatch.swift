import EventSourcing
import Foundation
import GRDB
import WireProtocol

/// What has changed since the last commit, queue by queue.
struct WriteBatch: Sendable {
    var queues: [QueueWrites] = []
    var rules: [String: RuleRow?] = [:]
    var newDeadLetters: [DeadLetterRow] = []
    var endedDeadLetters: [UInt64] = []
    var replays: [String: ReplayRow] = [:]
    var archives: [String: ArchiveRow?] = [:]

    func write(to db: Database) throws {
        for queue in queues { try queue.write(to: db) }
        for (name, rule) in rules {
            guard let rule else {
                try db.execute(sql: "DELETE FROM rule WHERE name = ?", arguments: [name])
                continue
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO rule VALUES (?, ?, ?, ?)",
                arguments: [
                    name, try JSON.text(rule.rule), rule.changedAt.microseconds, rule.changedBy,
                ])
        }
        for letter in newDeadLetters { try write(letter, to: db) }
        for id in endedDeadLetters {
            try db.execute(sql: "DELETE FROM deadLetter WHERE id = ?", arguments: [Int64(id)])
        }
        for (name, row) in replays {
            try db.execute(
                sql: "INSERT OR REPLACE INTO replay VALUES (?, ?)",
                arguments: [name, try JSON.text(row)])
        }
        for (name, row) in archives {
            guard let row else {
                try db.execute(sql: "DELETE FROM archive WHERE name = ?", arguments: [name])
                continue
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO archive VALUES (?, ?)",
                arguments: [name, try JSON.text(row)])
        }
    }

    private func write(_ row: DeadLetterRow, to db: Database) throws {
        let letter = row.letter
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO deadLetter VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            Int64(row.id), letter.queue, letter.rule, letter.group,
            Int64(bitPattern: row.group.high), Int64(bitPattern: row.group.low),
            try JSON.text(letter), row.diedAt.microseconds,
        ])
    }
}

/// What has changed of one queue since the last commit.
///
/// An entry that came and went in between leaves no trace: what is taken at once costs no row.
struct QueueWrites: Sendable {
    let id: Int64
    /// Nil if only entries have changed.
    var row: QueueRow?
    var isDeleted = false
    /// Entries up to here are gone.
    var purgedThrough: UInt64?
    private(set) var puts: [UInt64: QueueEntry] = [:]
    private(set) var removed: Set<UInt64> = []
    /// Those of `puts` that the store does not have.
    private var added: Set<UInt64> = []

    init(id: Int64) { self.id = id }

    var isEmpty: Bool {
        row == nil && !isDeleted && purgedThrough == nil && puts.isEmpty && removed.isEmpty
    }

    /// The entry is new, or was removed.
    mutating func add(_ entry: QueueEntry) {
        puts[entry.sequence] = entry
        added.insert(entry.sequence)
    }

    mutating func change(_ entry: QueueEntry) { puts[entry.sequence] = entry }

    mutating func remove(_ sequence: UInt64) {
        puts[sequence] = nil
        if added.remove(sequence) == nil { removed.insert(sequence) }
    }

    mutating func purge(through sequence: UInt64) {
        purgedThrough = sequence
        puts = [:]
        added = []
        removed = []
    }

    func write(to db: Database) throws {
        guard !isDeleted else {
            try db.execute(sql: "DELETE FROM entry WHERE queue = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM queue WHERE id = ?", arguments: [id])
            return
        }
        if let purgedThrough {
            try db.execute(
                sql: "DELETE FROM entry WHERE queue = ? AND sequence <= ?",
                arguments: [id, Int64(purgedThrough)])
        }
        let remove = try db.cachedStatement(
            sql: "DELETE FROM entry WHERE queue = ? AND sequence BETWEEN ? AND ?")
        // What is done together mostly came together.
        for run in removed.runs {
            try remove.execute(
                arguments: [id, Int64(run.lowerBound), Int64(run.upperBound)])
        }
        let put = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for entry in puts.values { try put.execute(arguments: arguments(entry)) }
        if let row { try write(row, to: db) }
    }

    private func arguments(_ entry: QueueEntry) -> StatementArguments {
        [
            id, Int64(entry.sequence), Int64(entry.position), entry.rule, entry.replay,
            Int64(bitPattern: entry.group.high), Int64(bitPattern: entry.group.low),
            entry.enqueuedAt.microseconds, entry.receives, entry.firstReceivedAt?.microseconds,
            entry.notBefore?.microseconds, entry.error,
        ]
    }

    private func write(_ row: QueueRow, to db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                id, row.definition.name, try JSON.text(row.definition), row.isPaused,
                row.phase.column, Int64(row.lastSequence), Int64(row.acknowledged),
                Int64(row.dropped),
            ])
    }
}

extension Set<UInt64> {
    /// The numbers as runs without gaps, in ascending order.
    var runs: [ClosedRange<UInt64>] {
        sorted().reduce(into: []) { runs, number in
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
    }
}

enum JSON {
    /// With its keys in order: the same value always has the same text.
    static func text(_ value: some Encodable) throws -> String {
        String(decoding: try bytes(value), as: UTF8.self)
    }

    static func bytes(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }
}

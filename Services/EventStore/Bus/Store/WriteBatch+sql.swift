import EventSourcing
import Foundation
import GRDB
import JSON
import WireProtocol

extension WriteBatch {
    /// Folds the changes onto the cache.
    func write(to db: Database) throws {
        // Deletions come first, because a new queue may have the name of a deleted one.
        for queue in queues.values where queue.isDeleted { try queue.delete(from: db) }
        for queue in queues.values { try queue.write(to: db) }
        for (name, row) in rules {
            let rule = try row.map { row -> [any DatabaseValueConvertible] in
                [try JSON.text(row.rule), row.changedAt.microseconds, row.changedBy]
            }
            try db.put("rule", name, rule)
        }
        for letter in newDeadLetters.values { try write(letter, to: db) }
        for id in closedDeadLetters {
            try db.execute(sql: "DELETE FROM deadLetter WHERE id = ?", arguments: [id.column])
        }
        for (name, row) in replays { try db.put("replay", name, [try JSON.text(row)]) }
        for (name, row) in archives {
            try db.put("archive", name, try row.map { [try JSON.text($0)] })
        }
    }

    private func write(_ row: DeadLetterRow, to db: Database) throws {
        let letter = row.letter
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO deadLetter VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            row.id.column, letter.queue, letter.rule, letter.group, row.group.high.column,
            row.group.low.column, try JSON.text(letter), row.diedAt.microseconds,
        ])
    }
}

extension Database {
    /// Puts a row by its name; nil removes it.
    fileprivate func put(
        _ table: String, _ name: String, _ columns: [any DatabaseValueConvertible]?
    ) throws {
        guard let columns else {
            return try execute(sql: "DELETE FROM \(table) WHERE name = ?", arguments: [name])
        }
        let places = columns.map { _ in ", ?" }.joined()
        try execute(
            sql: "INSERT OR REPLACE INTO \(table) VALUES (?\(places))",
            arguments: StatementArguments([name] + columns))
    }
}

extension QueueWrites {
    fileprivate func delete(from db: Database) throws {
        try db.execute(sql: "DELETE FROM entry WHERE queue = ?", arguments: [id])
        try db.execute(sql: "DELETE FROM queue WHERE id = ?", arguments: [id])
    }

    fileprivate func write(to db: Database) throws {
        if let purgedThrough {
            try db.execute(
                sql: "DELETE FROM entry WHERE queue = ? AND sequence <= ?",
                arguments: [id, purgedThrough.column])
        }
        let remove = try db.cachedStatement(
            sql: "DELETE FROM entry WHERE queue = ? AND sequence BETWEEN ? AND ?")
        // By runs of adjacent sequences, because entries acknowledged together were mostly enqueued
        // together.
        for run in removed.runs {
            try remove.execute(arguments: [id, run.lowerBound.column, run.upperBound.column])
        }
        let put = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO entry (queue, \(QueueEntry.columns)) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for entry in puts.values { try put.execute(arguments: try arguments(entry)) }
        if let definition { try write(definition, to: db) }
        if let counters { try write(counters, to: db) }
    }

    private func arguments(_ entry: QueueEntry) throws -> StatementArguments {
        [
            id, entry.sequence.column, entry.position.column, entry.rule, entry.replay,
            entry.group.high.column, entry.group.low.column, entry.enqueuedAt.microseconds,
            entry.receives, entry.firstReceivedAt?.microseconds, entry.notBefore?.microseconds,
            entry.error, try entry.lease.map { Data(try $0.stored()) },
        ]
    }

    private func write(_ definition: QueueDefinition, to db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO queue (id, name, definition) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET definition = excluded.definition
                """, arguments: [id, definition.name, try JSON.text(definition)])
    }

    private func write(_ counters: QueueCounters, to db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE queue SET isPaused = ?, filled = ?, lastSequence = ?, acknowledged = ?,
                    dropped = ?, lastLease = ? WHERE id = ?
                """
        ).execute(arguments: [
            counters.isPaused, counters.phase.column, counters.lastSequence.column,
            counters.acknowledged.column, counters.dropped.column, counters.lastLease.column, id,
        ])
    }
}

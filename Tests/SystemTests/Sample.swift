import EventSourcing
import Foundation
import GRDB
import IntegrationHarness
import Observability
import Testing

@testable import EventBus

/// The home folder of a suite of an earlier version, by its commit.
enum Sample: String, CaseIterable {
    /// The last commit without a journal of the bus.
    case c4c5307
    /// The last commit without amendments and history.
    case b418ccc

    /// Unpacks the sample into `home`, and moves the times in its queues to the present: otherwise
    /// its events would expire a year after the sample was made.
    fileprivate func unpack(into home: String) throws {
        let samples = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Samples")
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/env")
        tar.arguments = [
            "tar", "-xzf", samples.appending(path: "suite-\(self).tar.gz").path, "-C", home,
        ]
        try Spawning.alone { try tar.run() }
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        let age = try moveTables("\(home)/bus/bus.sqlite")
        if self != .c4c5307 { try Self.moveJournal(of: home, by: age) }
    }

    /// Returns the age of the latest entry.
    private func moveTables(_ path: String) throws -> Duration {
        let database = try DatabaseQueue(path: path)
        let age = try database.write { db in
            let latest = try Int64.fetchOne(db, sql: "SELECT MAX(enqueuedAt) FROM entry")
            let age = Timestamp.now().microseconds - (try #require(latest))
            // Only commit c4c5307 stored `notBefore` as a point in time.
            try db.execute(
                sql: """
                    UPDATE entry SET enqueuedAt = enqueuedAt + :age,
                    firstReceivedAt = firstReceivedAt + :age, notBefore = notBefore + :delay
                    """, arguments: ["age": age, "delay": self == .c4c5307 ? age : 0])
            return age
        }
        try database.close()
        return .microseconds(age)
    }

    /// Replaces the journal by one with the same commits and later times.
    private static func moveJournal(of home: String, by age: Duration) throws {
        let manifest = Array(try Data(contentsOf: URL(filePath: "\(home)/log/manifest")))
        let generation = try #require(
            try JournalGeneration.last(
                in: "\(home)/journal", of: manifest.span.eventID(at: 24)))
        try copy(generation, by: age)
        try generation.remove()
        try generation.finish()
    }

    /// Writes the generation's commits with later times to its temporary folder. The locks of both
    /// folders end with this function.
    private static func copy(_ generation: JournalGeneration, by age: Duration) throws {
        let journal = try JournalFile(generation.path, id: generation.id)
        let moved = try generation.begin()
        var records = journal.records(after: 0)
        while let (record, position) = try records.next() {
            // The tables name the position of the journal up to which they are complete.
            try #require(try moved.append(record.moved(by: age)) == position)
        }
        try moved.close()
        try journal.close()
    }
}

extension JournalRecord {
    fileprivate func moved(by age: Duration) -> JournalRecord {
        var moved = self
        for (id, writes) in batch.queues {
            for (sequence, entry) in writes.puts {
                let isNew = writes.put(sequence)?.isNew == true
                let entry = entry.moved(by: age)
                if isNew {
                    moved.batch.queues[id]?.add(entry)
                } else {
                    moved.batch.queues[id]?.change(entry)
                }
            }
        }
        return moved
    }
}

extension QueueEntry {
    fileprivate func moved(by age: Duration) -> QueueEntry {
        QueueEntry(
            sequence: sequence, position: position, rule: rule, replay: replay, group: group,
            enqueuedAt: enqueuedAt + age, receives: receives,
            firstReceivedAt: firstReceivedAt.map { $0 + age }, notBefore: notBefore, error: error,
            lease: lease)
    }
}

extension Suite {
    /// Creates a suite, whose processes do not run yet, from the sample.
    convenience init(_ sample: Sample) throws {
        try self.init()
        workingFolder = URL(filePath: home)
        // Earlier versions had no roots for archives.
        environment["DAYBOOK_ARCHIVE_ROOTS"] = home
        try sample.unpack(into: home)
    }

    /// The receipts of the queue's deliveries that consumers of the sample had in flight.
    func receipts(of queue: String) throws -> [String] {
        let path = "\(home)/receipts"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: " ") }.filter { $0[0] == queue }.map { String($0[2]) }
    }
}

import EventSourcing
import Foundation
import Logging
import ServiceKit
import ZeroMQ

/// The open files of the bus: its journal, and the cache, which has everything in the journal.
struct BusFiles {
    let journal: BusJournal
    let store: BusStore
    /// The last commit's position in the log and its time.
    let last: JournalRecord

    /// Opens the journal in `folder` and the cache at `path`.
    ///
    /// A cache that is missing or belongs to another journal is made from the journal. A missing
    /// journal begins with a snapshot of the cache, as for a bus of the version that had no
    /// journal. If both are missing, the log is routed from its beginning.
    ///
    /// - Throws: `ProjectedStore.Unusable` if they are damaged or belong to another log.
    static func open(
        journal folder: String, cache path: String, of log: EventID, logger: Logger
    ) async throws -> BusFiles {
        if let generation = try JournalGeneration.last(in: folder, of: log) {
            return try await open(generation, cache: path, logger)
        }
        let first = JournalGeneration.first(in: folder, of: log)
        if FileManager.default.fileExists(atPath: path) {
            let store = try BusStore(path: path, log: log)
            _ = try await store.snapshot(to: first)
            try first.finish()
            try store.close()
            logger.notice("created the bus's journal", metadata: ["folder": "\(folder)"])
        }
        return try await open(first, cache: path, logger)
    }

    private static func open(
        _ generation: JournalGeneration, cache path: String, _ logger: Logger
    ) async throws -> BusFiles {
        let journal = try await BusJournal(generation, on: SocketLoop(name: "journal"))
        var store = try cache(path, of: generation.log)
        if let found = store, try await !found.follows(journal) {
            try found.close()
            store = nil
        }
        if store == nil {
            try ProjectedStore.remove(path)
            logger.notice(
                "rebuilding the bus's tables from its journal", metadata: ["path": "\(path)"])
        }
        let opened = try store ?? BusStore(path: path, log: generation.log)
        let last = try await opened.catchUp(with: journal)
        return BusFiles(journal: journal, store: opened, last: last)
    }

    /// Opens the cache at `path`; nil if the file is missing or of another version.
    private static func cache(_ path: String, of log: EventID) throws -> BusStore? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try BusStore(path: path, log: log)
    }
}

extension BusStore {
    /// How many rows one transaction folds onto the tables.
    private static let together = 20_000

    /// Whether the tables were made from this journal, up to some position of it.
    fileprivate func follows(_ journal: BusJournal) async throws -> Bool {
        let (followed, head) = (try await progress().journal, await journal.head)
        return await followed == journal.id && checkpoint <= head
    }

    /// Folds the journal's newer commits onto the tables, and returns the last commit.
    fileprivate func catchUp(with journal: BusJournal) async throws -> JournalRecord {
        var (_, last) = try await progress()
        var cursor = JournalFile.Cursor(after: checkpoint)
        var through = checkpoint
        let id = await journal.id
        while true {
            let (records, next) = try await journal.next(cursor)
            cursor = next
            for (record, position) in records {
                last.append(record)
                through = position
            }
            guard records.isEmpty || last.batch.entryCount > Self.together else { continue }
            try await commit(last, of: id, through: through)
            last.batch = WriteBatch()
            if records.isEmpty { return last }
        }
    }
}

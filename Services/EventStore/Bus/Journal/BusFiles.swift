import EventSourcing
import Foundation
import Logging
import ServiceKit
import ZeroMQ

/// The files of the bus, opened: its journal, and the cache, which has all that the journal has.
struct BusFiles {
    let journal: BusJournal
    let store: BusStore
    /// How far the log was routed by the last commit, and when that was.
    let last: JournalRecord

    /// Opens the journal in `folder` and the cache at `path`.
    ///
    /// A cache that is missing, or of another journal, is made from the journal. A journal that is
    /// missing is begun with a snapshot of the cache: so a bus of the version that had no journal
    /// gets one. If both are missing, the log is routed from its beginning.
    ///
    /// - Throws: `ProjectedStore.Unusable` if they are damaged or do not go with the log.
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
            logger.notice("the bus has a journal now", metadata: ["folder": "\(folder)"])
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
                "the bus's tables are made from its journal", metadata: ["path": "\(path)"])
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

    /// Whether the tables have what the journal has, up to some position of it.
    fileprivate func follows(_ journal: BusJournal) async throws -> Bool {
        let (followed, head) = (try await progress().journal, await journal.head)
        return await followed == journal.id && checkpoint <= head
    }

    /// Folds onto the tables what the journal has and they have not; gives the last commit.
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

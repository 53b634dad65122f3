import EventSourcing
import Foundation
import Logging
import ServiceRuntime
import ZeroMQ

/// The open files of the bus: its journal, and the cache, which has everything in the journal.
struct BusFiles {
    let journal: BusJournal
    let store: BusStore
    /// The last commit, with its position in the log and its time.
    let last: JournalRecord

    /// Opens the journal in `folder` and the cache at `path`.
    ///
    /// A cache that is missing or belongs to another journal is rebuilt from the journal. A missing
    /// journal starts with a snapshot of the cache, also after an upgrade from a version without
    /// journals. If both are missing, the log is routed from its beginning.
    ///
    /// - Parameter head: the last position of the log. A cache that has routed more is rebuilt,
    ///   because only the journal can show whether the log lost its end.
    /// - Throws: `damaged` if they are damaged or belong to another log.
    static func open(
        journal folder: String, cache path: String, of log: EventID, head: UInt64 = .max,
        logger: Logger
    ) async throws -> BusFiles {
        let found = try JournalGeneration.last(in: folder, of: log)
        let generation = found ?? JournalGeneration(folder: folder, log: log, number: 1)
        if found == nil, FileManager.default.fileExists(atPath: path) {
            let store = try BusStore(path: path, log: log)
            _ = try await store.snapshot(to: generation)
            // The snapshot has other positions than the missing journal had.
            try await store.forgetJournal()
            try generation.finish()
            try store.close()
            logger.notice("created the bus's journal", metadata: ["folder": "\(folder)"])
        }
        let journal = try await BusJournal(generation, on: SocketLoop(name: "journal"))
        let opened = try await open(journal, cache: path, of: log, head, logger)
        try generation.removeOthers()
        return opened
    }

    private static func open(
        _ journal: BusJournal, cache path: String, of log: EventID, _ head: UInt64,
        _ logger: Logger
    ) async throws -> BusFiles {
        if FileManager.default.fileExists(atPath: path) {
            let store = try BusStore(path: path, log: log)
            if try await journal.isFollowed(by: store) {
                let last = try await journal.fold(onto: store)
                if last.routed <= head {
                    return BusFiles(journal: journal, store: store, last: last)
                }
            }
            try store.close()
        }
        try ProjectedStore.remove(path)
        logger.notice(
            "rebuilding the bus's tables from its journal", metadata: ["path": "\(path)"])
        let store = try BusStore(path: path, log: log)
        return BusFiles(
            journal: journal, store: store, last: try await journal.fold(onto: store))
    }
}

extension BusJournal {
    /// How many rows one transaction folds onto the tables.
    private static let together = 20_000

    /// Whether the tables were made from this journal.
    ///
    /// - Throws: `damaged` if the tables have more than the journal. Then the
    ///   journal lost its end, which only the tables can show.
    fileprivate func isFollowed(by store: BusStore) async throws -> Bool {
        guard try await store.progress().journal == id else { return false }
        try require(
            store.checkpoint <= head, .damaged,
            "the bus's journal \(path) ends at position \(head), but its cache "
                + "\(store.store.path) is at position \(store.checkpoint); restore the journal, or "
                + "remove its folder to create a new one from the cache")
        return true
    }

    /// Folds the newer commits onto the tables, and returns the last commit.
    fileprivate func fold(onto store: BusStore) async throws -> JournalRecord {
        var (_, last) = try await store.progress()
        var through = store.checkpoint
        var records = try records(after: through)
        while let (record, position) = try records.next() {
            last.append(record)
            through = position
            guard last.batch.entryCount > Self.together else { continue }
            try await store.commit(last, of: id, through: through)
            last.batch = WriteBatch()
        }
        try await store.commit(last, of: id, through: through)
        last.batch = WriteBatch()
        return last
    }
}

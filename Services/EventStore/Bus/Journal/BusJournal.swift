import EventSourcing
import ServiceKit
import ZeroMQ

/// The journal of the bus: what each commit has changed. What it has is on disk, and is checked and
/// recovered as the event log is.
///
/// It works on a thread of its own, so that neither the log nor the bus waits for its disk. When
/// most of it tells of what is gone, it is begun again with a snapshot: each such generation is a
/// journal in a folder of its own, of which the last one counts.
actor BusJournal {
    /// Which generation of which log's journal this is.
    private(set) var id: EventID
    private let loop: SocketLoop
    /// Nil once it is closed.
    private var file: JournalFile?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Throws: `ProjectedStore.Unusable` if it is damaged or of another log.
    init(_ generation: JournalGeneration, on loop: SocketLoop) async throws {
        self.loop = loop
        id = generation.id
        file = try JournalFile(generation.path, id: generation.id)
    }

    /// The position at which the last commit ended, or 0.
    var head: UInt64 { file?.head ?? 0 }

    /// Writes what a commit has changed; it is on disk when this returns.
    ///
    /// - Returns: the position at which it ends.
    func append(_ record: JournalRecord) throws -> UInt64 { try open().append(record) }

    /// The next commits, each with the position at which it ends, and where to go on; none when
    /// there are no more.
    func next(
        _ cursor: JournalFile.Cursor
    ) throws -> (records: [(record: JournalRecord, position: UInt64)], JournalFile.Cursor) {
        var cursor = cursor
        let records = try open().next(&cursor)
        return (records, cursor)
    }

    func close() throws {
        try file?.close()
        file = nil
    }

    private func open() throws -> JournalFile {
        guard let file else { throw CancellationError() }
        return file
    }
}

import EventSourcing
import ZeroMQ

/// The journal of the bus: a record of what each commit changed. It is checked and recovered as the
/// event log is.
///
/// It works on its own thread, so that neither the log nor the bus waits for its writes. When most
/// of its records are obsolete, a new generation starts with a snapshot. Each generation is a
/// folder. Only the last one is read.
actor BusJournal: LoopActor {
    private var generation: JournalGeneration
    /// The size of the generation when it started, in bytes.
    private var firstSize = 0
    let loop: SocketLoop
    /// Nil after `close`.
    private var file: JournalFile?

    /// Opens the generation, or creates it.
    ///
    /// - Throws: `damaged` if it is damaged or of another log.
    init(_ generation: JournalGeneration, on loop: SocketLoop) async throws {
        self.loop = loop
        self.generation = generation
        file = try JournalFile(generation.path, id: generation.id)
    }

    /// The identity of this generation, derived from the log's.
    var id: EventID { generation.id }

    /// The folder of the generation.
    var path: String { generation.path }

    /// The position at which the last commit ended, or 0.
    var head: UInt64 { file?.head ?? 0 }

    /// Writes a commit. It is on disk when this returns.
    ///
    /// - Returns: the position at which the commit ends.
    func append(_ record: JournalRecord) throws -> UInt64 { try open().append(record) }

    /// Returns the commits after `position`, at which one ended.
    func records(after position: UInt64) throws -> JournalFile.Records {
        try open().records(after: position)
    }

    /// Returns the next generation if it is due. It is due when the current one is longer than
    /// `minimum` bytes and than four times its first size.
    func dueGeneration(minimum: Int) throws -> JournalGeneration? {
        try open().size() > max(minimum, 4 * firstSize) ? generation.next : nil
    }

    /// Switches to the next generation, whose snapshot has everything up to `position` of this one.
    ///
    /// - Returns: the position at which the last commit of the new generation ends.
    func move(to next: JournalGeneration, from position: UInt64) throws -> UInt64 {
        let last = generation
        var records = try records(after: position)
        var rest = try records.next()?.record
        while let (record, _) = try records.next() { rest?.append(record) }
        try next.finish(with: rest)
        let file = try JournalFile(next.path, id: next.id)
        (self.file, generation, firstSize) = (file, next, try file.size())
        try last.remove()
        return file.head
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

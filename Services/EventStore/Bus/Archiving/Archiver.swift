import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import Logging
import ObjectStorage
import WireProtocol

/// Writes one archive. It follows the log, some seconds behind it, from the archive's own
/// checkpoint on. So each event is archived once, whatever happened before.
///
/// It works off the bus's thread. If the place fails, the archiver tries again with growing delays,
/// and nothing else is affected. `ArchiveProgress` decides what to do when.
actor Archiver {
    nonisolated let row: ArchiveRow
    private let roots: StorageRoots
    private let pattern: EventPattern?
    private let log: EventID
    private let client: EventStoreClient
    private let logger: Logger
    private let segmentBytes: Int
    private let now: @Sendable () -> BusTime
    private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private var storage: (any ObjectStorage)?
    /// The open writer. Nil until the place was opened, and after a failure.
    private var writer: ArchiveWriter?
    private var progress: ArchiveProgress
    private var waiters = Waiters()
    private var end: (any Error)?

    /// Creates the archiver of one archive.
    ///
    /// - Throws: `EventPatternError` for a pattern that this version does not accept.
    init(
        _ row: ArchiveRow, of log: EventID, in roots: StorageRoots, client: EventStoreClient,
        logger: Logger,
        timing: ArchiveProgress.Timing = ArchiveProgress.Timing(),
        segmentBytes: Int = ArchiveWriter.defaultSegmentBytes,
        now: @escaping @Sendable () -> BusTime = { .ofProcess }
    ) throws(EventPatternError) {
        self.row = row
        self.roots = roots
        pattern = if let text = row.definition.pattern { try EventPattern(text) } else { nil }
        self.log = log
        self.client = client
        self.logger = logger
        self.segmentBytes = segmentBytes
        self.now = now
        progress = ArchiveProgress(retentionDays: row.definition.retentionDays, timing: timing)
    }

    private nonisolated var definition: ArchiveDefinition { row.definition }

    // MARK: Life

    /// Runs until the archive is deleted or the task is cancelled. Then archives the pending
    /// events, within the time limit `closing`.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            for await _ in signal.stream { await runOnce() }
            group.cancelAll()
        }
        end =
            Task.isCancelled
            ? CancellationError()
            : ProtocolError(.notFound, "archive '\(definition.name)' is deleted")
        // In a task of its own, because the cancelled task could not write.
        await Task { await self.close() }.value
    }

    /// Stops the archiver for good.
    nonisolated func stop() { signal.continuation.finish() }

    private func keepTime() async {
        while !Task.isCancelled {
            signal.continuation.yield()
            // Archives may lag, so reading the log from time to time is enough.
            try? await Task.sleep(for: progress.timing.interval)
        }
    }

    /// Reads new events, and archives them when they are due. Tries again later after a failure.
    func runOnce() async {
        guard progress.shouldRead(at: now().running) else { return }
        do {
            let writer = try await open()
            try await readEvents(into: writer)
            let time = now()
            for step in progress.steps(at: time) { try await carryOut(step, with: writer) }
            guard progress.finishSteps(at: time) else { return }
            logger.notice("an archive has resumed", metadata: ["archive": "\(definition.name)"])
        } catch {
            // A cancelled run has not failed.
            if !Task.isCancelled { fail(error) }
        }
    }

    private func close() async {
        let sealing = Task {
            if let writer, writer.pendingBytes > 0 { try await seal(writer) }
        }
        let limit = Task {
            // The process waits for this when it stops.
            try await Task.sleep(for: progress.timing.closing)
            sealing.cancel()
        }
        if case .failure(let error) = await sealing.result {
            logWarning("an archive lacks its last events until it resumes", error)
        }
        limit.cancel()
        waiters.fail(progress.takeWaiters(), with: end ?? CancellationError())
    }

    private func fail(_ error: any Error) {
        writer = nil
        if progress.recordFailure("\(error)", at: now().running) {
            logWarning("archiving has failed and is tried again", error)
        }
        waiters.fail(progress.takeWaiters(), with: error)
    }

    private func logWarning(_ message: Logger.Message, _ error: any Error) {
        logger.warning(
            message,
            metadata: [
                "archive": "\(definition.name)", "place": "\(definition.place)",
                "reason": "\(error)",
            ])
    }

    // MARK: Writing

    /// Returns the archive's writer. It must find the archive that the command created. It does not
    /// create a missing one, because the place may only be unreachable.
    private func open() async throws -> ArchiveWriter {
        if let writer { return writer }
        let storage = try openStorage()
        try await checkPast(of: ArchiveReader(in: storage, name: definition.name))
        let writer = try await ArchiveWriter(
            in: storage, name: definition.name, log: log, segmentBytes: segmentBytes)
        let head = try await client.welcome().head
        guard writer.checkpoint <= head else {
            throw ProtocolError(
                .invalid,
                "archive '\(definition.name)' has events up to position \(writer.checkpoint), but "
                    + "the log only up to \(head): the log lost its end; create another archive")
        }
        progress.recordOpened(writer.manifest)
        self.writer = writer
        return writer
    }

    /// Throws if the log has another event at the position of the archive's last one. Then the log
    /// was restored to an earlier state, and other events were appended.
    private func checkPast(of reader: ArchiveReader) async throws {
        guard let last = reader.manifest.segments.last?.last,
            let archived = try await event(at: last, of: reader)
        else { return }
        let request = ReadRequest(.all, from: last, to: last, isRaw: true)
        for try await event in client.read(request).events
        where event.bytes != archived.bytes {
            throw ProtocolError(
                .invalid,
                "archive '\(definition.name)' has another event at position \(last) than the log, "
                    + "which was restored from an older copy; create another archive")
        }
    }

    /// Returns the archived event, or nil if it is damaged. Damage does not show that the log
    /// differs, and readers of the archive report it.
    private func event(
        at position: UInt64, of reader: ArchiveReader
    ) async throws -> RecordedEvent? {
        var events = reader.events(from: position, through: position).makeAsyncIterator()
        do {
            return try await events.next()
        } catch {
            if case .storage(let error) = error { throw error }
            return nil
        }
    }

    private func openStorage() throws -> any ObjectStorage {
        if let storage { return storage }
        let storage = try definition.openPlace(in: roots, mayMakeFolder: false)
        self.storage = storage
        return storage
    }

    private func readEvents(into writer: ArchiveWriter) async throws {
        // Archives hold what was appended, and among it the events about amendments.
        let request = ReadRequest(
            pattern?.query ?? .all, from: writer.position + 1, isRaw: true)
        for try await batch in client.read(request) {
            let events = batch.events.filter(isWanted)
            let bytes = events.reduce(0) { $0 + $1.bytes.count }
            if writer.pendingBytes > 0, writer.pendingBytes + bytes > segmentBytes {
                try await seal(writer)
            }
            try await writer.append(events, through: batch.through)
            progress.recordRead(
                events, through: writer.position, writer.manifest, at: now().running)
        }
    }

    /// Only archives of the whole log, without a pattern, get the store's own events. Rules do not
    /// see them either.
    private func isWanted(_ event: RecordedEvent) -> Bool {
        guard let pattern else { return true }
        return !event.isOfStore && pattern.matches(event)
    }

    private func carryOut(_ step: ArchiveProgress.Step, with writer: ArchiveWriter) async throws {
        switch step {
        case .seal: try await seal(writer)
        case .expire(let time):
            try await check(writer)
            try await writer.expire(before: time)
            progress.recordExpired(writer.manifest)
        }
    }

    private func seal(_ writer: ArchiveWriter) async throws {
        try await check(writer)
        try await writer.seal()
        waiters.resume(progress.recordSealed(writer.manifest))
    }

    /// Throws if the archive is missing or was changed, for example by an older manifest. The
    /// archiver then opens it again and continues with what it finds.
    private func check(_ writer: ArchiveWriter) async throws {
        let there = try await ArchiveReader(in: try openStorage(), name: definition.name).manifest
        guard there == writer.manifest else {
            throw ProtocolError(
                .damaged, "archive '\(definition.name)' was changed meanwhile; it is opened again")
        }
    }

    // MARK: For others

    /// Returns a reader of the archive once it has all its events up to `position`.
    ///
    /// - Throws: the first error on the way there.
    func reader(through position: UInt64) async throws -> ArchiveReader {
        if !progress.isArchived(through: position) {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                if let end { return continuation.resume(throwing: end) }
                if let waiter = waiters.add(continuation) { progress.wait(for: position, waiter) }
                signal.continuation.yield()
            }
        }
        let reader = try await ArchiveReader(in: try openStorage(), name: definition.name)
        guard reader.manifest.log == log else {
            throw ArchiveError.otherLog(
                archive: definition.name, of: reader.manifest.log, asked: log)
        }
        return reader
    }

    /// The rule that describes the archive.
    var ruleView: RuleView {
        RuleView(
            rule: definition.rule, isManaged: true, matched: progress.matched.count,
            changedAt: row.createdAt, changedBy: row.createdBy)
    }

    var view: ArchiveView {
        let manifest = progress.manifest
        return ArchiveView(
            archive: definition, createdAt: row.createdAt, checkpoint: progress.checkpoint,
            events: manifest?.events ?? 0, segments: manifest?.segments.count ?? 0,
            storedBytes: manifest?.storedBytes ?? 0, problem: progress.problem)
    }
}

import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import Logging
import ObjectStorage
import WireProtocol

/// Writes one archive. It follows the log, some seconds behind it, from the archive's own
/// checkpoint on. So each event is archived once, whatever happened before.
///
/// It works off the bus's thread. If the place fails, the archiver tries again with growing delays,
/// and nothing else is affected.
actor Archiver {
    /// The intervals and time limits of an archiver.
    struct Timing: Sendable {
        /// How often the archiver reads the log.
        var interval: Duration = .seconds(1)
        /// Pending events are archived when no other has arrived for this time.
        var quiet: Duration = .seconds(5)
        /// Pending events are archived when the first has waited this long.
        var longest: Duration = .seconds(30)
        /// How often expired segments are removed, and the checkpoint moves if no event matches.
        var housekeeping: Duration = .seconds(60)
        /// The delay after a failure of the place. It doubles with each further failure.
        var backoff: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
        /// How long archiving the last events may take when the archiver stops.
        var closing: Duration = .seconds(5)
    }

    nonisolated let row: ArchiveRow
    private let pattern: EventPattern?
    private let log: EventID
    private let client: EventStoreClient
    private let logger: Logger
    private let timing: Timing
    private let segmentBytes: Int
    private let now: @Sendable () -> BusTime
    private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private var storage: (any ObjectStorage)?
    /// The open writer. Nil until the place was opened, and after a failure.
    private var writer: ArchiveWriter?
    /// The manifest as last read or written.
    private var manifest: ArchiveManifest?
    /// When the first and the last pending event arrived.
    private var pending: ClosedRange<RunningTime>?
    private var housekeptAt: RunningTime?
    /// The commit time of the last archived event.
    private var logTime = Timestamp.distantPast
    private var problem: String?
    private var failures = 0
    private var retryAt = RunningTime.zero
    /// How many events have matched, and up to which position they were counted.
    private var matched: (count: UInt64, through: UInt64) = (0, 0)
    private var waiters: [(position: UInt64, continuation: CheckedContinuation<Void, any Error>)]
    private var end: (any Error)?

    /// Creates the archiver of one archive.
    ///
    /// - Throws: `EventPatternError` for a pattern that this version does not accept.
    init(
        _ row: ArchiveRow, of log: EventID, client: EventStoreClient, logger: Logger,
        timing: Timing = Timing(), segmentBytes: Int = ArchiveWriter.defaultSegmentBytes,
        now: @escaping @Sendable () -> BusTime = { .ofProcess }
    ) throws(EventPatternError) {
        self.row = row
        pattern = if let text = row.definition.pattern { try EventPattern(text) } else { nil }
        self.log = log
        self.client = client
        self.logger = logger
        self.timing = timing
        self.segmentBytes = segmentBytes
        self.now = now
        waiters = []
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
            try? await Task.sleep(for: timing.interval)
        }
    }

    /// Reads new events, and archives them when they are due. Tries again later after a failure.
    func runOnce() async {
        guard retryAt <= now().running || !waiters.isEmpty else { return }
        do {
            let writer = try await open()
            try await readEvents(into: writer)
            if isDue { try await seal(writer) }
            try await removeExpired(writer)
            if writer.pendingBytes == 0 { succeed() }
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
            try await Task.sleep(for: timing.closing)
            sealing.cancel()
        }
        if case .failure(let error) = await sealing.result {
            logWarning("an archive lacks its last events until it resumes", error)
        }
        limit.cancel()
        resume(throwing: end ?? CancellationError())
    }

    // MARK: Failures

    private func succeed() {
        failures = 0
        guard problem != nil else { return }
        problem = nil
        logger.notice("an archive has resumed", metadata: ["archive": "\(definition.name)"])
    }

    private func fail(_ error: any Error) {
        // Opened again, the writer continues after its checkpoint.
        writer = nil
        pending = nil
        let delay = timing.backoff.lowerBound * (1 << min(failures, 20))
        retryAt = now().running + min(delay, timing.backoff.upperBound)
        failures += 1
        let text = "\(error)"
        if problem != text { logWarning("archiving has failed and is tried again", error) }
        problem = text
        resume(throwing: error)
    }

    private func logWarning(_ message: Logger.Message, _ error: any Error) {
        logger.warning(
            message,
            metadata: [
                "archive": "\(definition.name)", "place": "\(definition.place)",
                "reason": "\(error)",
            ])
    }

    private func resume(throwing error: any Error) {
        for waiter in waiters { waiter.continuation.resume(throwing: error) }
        waiters = []
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
        manifest = writer.manifest
        self.writer = writer
        return writer
    }

    /// Throws if the log has another event at the position of the archive's last one. Then the log
    /// was restored to an earlier state, and other events were appended.
    private func checkPast(of reader: ArchiveReader) async throws {
        guard let last = reader.manifest.segments.last?.last,
            let archived = try await event(at: last, of: reader)
        else { return }
        for try await event in client.read(ReadRequest(.all, from: last, to: last)).events
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
        let storage = try definition.openPlace(mayMakeFolder: false)
        self.storage = storage
        return storage
    }

    private func readEvents(into writer: ArchiveWriter) async throws {
        let request = ReadRequest(pattern?.query ?? .all, from: writer.position + 1)
        for try await batch in client.read(request) {
            let events = batch.events.filter(isWanted)
            let bytes = events.reduce(0) { $0 + $1.bytes.count }
            if writer.pendingBytes > 0, writer.pendingBytes + bytes > segmentBytes {
                try await seal(writer)
            }
            try await writer.append(events, through: batch.through)
            guard let last = events.last else { continue }
            let time = now().running
            logTime = max(logTime, last.time)
            pending = min(pending?.lowerBound ?? time, time)...time
            if last.position > matched.through {
                matched.count += UInt64(events.count { $0.position > matched.through })
                matched.through = last.position
            }
        }
    }

    /// Only archives of the whole log, without a pattern, get the store's own events. Rules do not
    /// see them either.
    private func isWanted(_ event: RecordedEvent) -> Bool {
        guard let pattern else { return true }
        return !event.isOfStore && pattern.matches(event)
    }

    private var isDue: Bool {
        guard waiters.isEmpty else { return true }
        guard let pending else { return false }
        let now = now().running
        return pending.upperBound + timing.quiet <= now
            || pending.lowerBound + timing.longest <= now
    }

    private func seal(_ writer: ArchiveWriter) async throws {
        try await check(writer)
        try await writer.seal()
        pending = nil
        manifest = writer.manifest
        waiters.removeAll { waiter in
            guard waiter.position <= writer.checkpoint else { return false }
            waiter.continuation.resume()
            return true
        }
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

    private func removeExpired(_ writer: ArchiveWriter) async throws {
        let now = now()
        if let housekeptAt, housekeptAt + timing.housekeeping > now.running { return }
        if writer.pendingBytes == 0, writer.checkpoint < writer.position { try await seal(writer) }
        if let days = definition.retentionDays {
            try await check(writer)
            try await writer.expire(before: max(now.log, logTime) + .seconds(-days * 86_400))
            manifest = writer.manifest
        }
        housekeptAt = now.running
    }

    // MARK: For others

    /// Returns a reader of the archive once it has all its events up to `position`.
    ///
    /// - Throws: the first error on the way there.
    func reader(through position: UInt64) async throws -> ArchiveReader {
        if manifest?.checkpoint ?? 0 < position {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                if let end { return continuation.resume(throwing: end) }
                waiters.append((position, continuation))
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
            rule: definition.rule, isManaged: true, matched: matched.count,
            changedAt: row.createdAt, changedBy: row.createdBy)
    }

    var view: ArchiveView {
        // Without pending events, everything read so far is archived or does not match.
        let position = writer.map { $0.pendingBytes == 0 ? $0.position : $0.checkpoint }
        return ArchiveView(
            archive: definition, createdAt: row.createdAt,
            checkpoint: position ?? manifest?.checkpoint ?? 0, events: manifest?.events ?? 0,
            segments: manifest?.segments.count ?? 0, storedBytes: manifest?.storedBytes ?? 0,
            problem: problem)
    }
}

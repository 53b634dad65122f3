import EventArchive
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import Logging
import ObjectStorage
import WireProtocol

/// Keeps one archive: follows the log, some seconds behind it, from the archive's own checkpoint
/// on; so that whatever happened before, each event is in it once.
///
/// Works off the bus's thread. A place that fails is tried again, ever more seldom, and concerns
/// nobody else.
actor Archiver {
    /// How long what takes.
    struct Timing: Sendable {
        /// How often the log is looked at.
        var turn: Duration = .seconds(1)
        /// What is pending is archived when no more has come for so long,
        var quiet: Duration = .seconds(5)
        /// or when the first of it has waited for so long.
        var longest: Duration = .seconds(30)
        /// How often what is old is let go, and the checkpoint moved where nothing matches.
        var housekeeping: Duration = .seconds(60)
        /// How long a place that fails is left alone, twice as long after each further failure.
        var backoff: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
        /// How long the last of it may take when there is to be no more.
        var closing: Duration = .seconds(5)
    }

    nonisolated let definition: ArchiveDefinition
    private let pattern: EventPattern?
    private let log: EventID
    private let client: EventStoreClient
    private let logger: Logger
    private let timing: Timing
    private let segmentBytes: Int
    private let now: @Sendable () -> BusTime
    private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private var storage: (any ObjectStorage)?
    /// Nil until the place has been opened, and after a failure.
    private var writer: ArchiveWriter?
    /// The archive as it was seen last.
    private var manifest: ArchiveManifest?
    /// When the first and the last of what is pending came.
    private var pending: ClosedRange<RunningTime>?
    private var houseKeptAt: RunningTime?
    /// The commit time of the last archived event.
    private var logTime = Timestamp.distantPast
    private var problem: String?
    private var failures = 0
    private var leftAloneUntil = RunningTime.zero
    /// How many events matched, up to which position.
    private var matched: (count: UInt64, through: UInt64) = (0, 0)
    private var waiters: [(position: UInt64, continuation: CheckedContinuation<Void, any Error>)]
    private var end: (any Error)?

    /// - Throws: `EventPatternError` for a pattern that another version accepted.
    init(
        _ definition: ArchiveDefinition, of log: EventID, client: EventStoreClient, logger: Logger,
        timing: Timing = Timing(), segmentBytes: Int = ArchiveWriter.defaultSegmentBytes,
        now: @escaping @Sendable () -> BusTime = { .ofProcess }
    ) throws(EventPatternError) {
        self.definition = definition
        if let text = definition.pattern { pattern = try EventPattern(text) } else { pattern = nil }
        self.log = log
        self.client = client
        self.logger = logger
        self.timing = timing
        self.segmentBytes = segmentBytes
        self.now = now
        waiters = []
    }

    // MARK: Life

    /// Works until the archive is deleted or the task is cancelled. What is pending then is
    /// archived, if that is soon done.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            for await _ in signal.stream { await turn() }
            group.cancelAll()
        }
        end =
            Task.isCancelled
            ? CancellationError()
            : ProtocolError(.notFound, "archive '\(definition.name)' is deleted")
        // Not part of the task that was cancelled, for it still writes.
        await Task { await self.close() }.value
    }

    /// Has it end: there is to be no more in the archive.
    nonisolated func stop() { signal.continuation.finish() }

    private func keepTime() async {
        while !Task.isCancelled {
            signal.continuation.yield()
            // Archives are behind the log by design: it is looked at from time to time.
            try? await Task.sleep(for: timing.turn)
        }
    }

    /// Takes what the log has, and archives what is due; what fails is tried again later.
    func turn() async {
        guard leftAloneUntil <= now().running || !waiters.isEmpty else { return }
        do {
            let writer = try await open()
            try await take(into: writer)
            if isDue { try await seal(writer) }
            try await keepHouse(writer)
            if writer.pendingBytes == 0 { succeed() }
        } catch {
            // One that is stopped in the middle of it has not failed.
            if !Task.isCancelled { fail(error) }
        }
    }

    private func close() async {
        let sealing = Task {
            if let writer, writer.pendingBytes > 0 { try await seal(writer) }
        }
        let limit = Task {
            // Whoever ends the process waits for this.
            try await Task.sleep(for: timing.closing)
            sealing.cancel()
        }
        if case .failure(let error) = await sealing.result {
            note("an archive lacks the last events; they come when it goes on", error)
        }
        limit.cancel()
        resume(throwing: end ?? CancellationError())
    }

    // MARK: Failures

    private func succeed() {
        failures = 0
        guard problem != nil else { return }
        problem = nil
        logger.notice("an archive goes on", metadata: ["archive": "\(definition.name)"])
    }

    private func fail(_ error: any Error) {
        // Opened anew, it goes on behind its checkpoint.
        writer = nil
        pending = nil
        let delay = timing.backoff.lowerBound * (1 << min(failures, 20))
        leftAloneUntil = now().running + min(delay, timing.backoff.upperBound)
        failures += 1
        let text = "\(error)"
        if problem != text { note("an archive does not go on", error) }
        problem = text
        resume(throwing: error)
    }

    private func note(_ message: Logger.Message, _ error: any Error) {
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

    /// The writer of the archive, which was made when it was created: one that is gone is not begun
    /// anew, for its place may only be out of reach.
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
                    + "the log only up to \(head): it has lost its end; create another archive")
        }
        manifest = writer.manifest
        self.writer = writer
        return writer
    }

    /// - Throws: if the log has another event where the archive's last one is: it was put back to
    ///   where it was before, and has gone on in another way.
    private func checkPast(of reader: ArchiveReader) async throws {
        guard let last = reader.manifest.segments.last?.last else { return }
        let archived = try await event(at: last, of: reader)
        for try await batch in client.read(ReadRequest(.all, from: last, to: last)) {
            guard let archived, let event = batch.events.first, event.bytes != archived.bytes
            else {
                continue
            }
            throw ProtocolError(
                .invalid,
                "archive '\(definition.name)' has another event at position \(last) than the log, "
                    + "which was put back and has gone on in another way; create another archive")
        }
    }

    /// Nil if it is damaged: that tells nothing of the past, and is told to whoever reads it.
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

    private func take(into writer: ArchiveWriter) async throws {
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

    /// What the store says of itself is in archives of the whole log only, as rules don't see it.
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

    /// - Throws: if the archive is not there, or is not as it was left: another store was put in
    ///   its place, or an older manifest. What is there then is gone on with.
    private func check(_ writer: ArchiveWriter) async throws {
        let there = try await ArchiveReader(in: try openStorage(), name: definition.name).manifest
        guard there == writer.manifest else {
            throw ProtocolError(
                .damaged, "archive '\(definition.name)' is not as it was left; it is opened anew")
        }
    }

    private func keepHouse(_ writer: ArchiveWriter) async throws {
        let now = now()
        if let houseKeptAt, houseKeptAt + timing.housekeeping > now.running { return }
        if writer.pendingBytes == 0, writer.checkpoint < writer.position { try await seal(writer) }
        if let days = definition.retentionDays {
            try await check(writer)
            try await writer.expire(before: max(now.log, logTime) + .seconds(-days * 86_400))
            manifest = writer.manifest
        }
        houseKeptAt = now.running
    }

    // MARK: For others

    /// A reader of the archive, which has all that belongs to it up to `position`.
    ///
    /// - Throws: what keeps it from getting there, the first time that it is tried.
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

    var matchedCount: UInt64 { matched.count }

    func view(createdAt: Timestamp) -> ArchiveView {
        // As long as nothing is pending, what was looked at is done.
        let position = writer.map { $0.pendingBytes == 0 ? $0.position : $0.checkpoint }
        return ArchiveView(
            archive: definition, createdAt: createdAt,
            checkpoint: position ?? manifest?.checkpoint ?? 0, events: manifest?.events ?? 0,
            segments: manifest?.segments.count ?? 0, storedBytes: manifest?.storedBytes ?? 0,
            problem: problem)
    }
}
